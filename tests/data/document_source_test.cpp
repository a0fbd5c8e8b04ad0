// SPDX-License-Identifier: Apache-2.0
// Every kind of input gives the same documents, and says what is wrong when it cannot.
#include "data/document_source.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "data/data_fixtures.h"
#include "data/word_counter.h"

namespace brt {
namespace {

using testing::Compression;
using testing::Documents;
using testing::message_of;
using testing::read_documents;
using testing::ReadingNotes;
using testing::TemporaryFolder;
using testing::texts_of;
using testing::write_archive;
using testing::write_text;

/// Long, short, empty, with bytes of all kinds that JSON can carry.
Documents sample() {
  std::string longest;
  for (int i = 0; i < 60000; ++i) {
    longest += "line " + std::to_string(i) + "\n";
  }
  return {{"a.txt", "hello\n"},
          {"b/c.txt", longest},
          {"b/d.txt", ""},
          {"b/e.txt", "caf\xc3\xa9 \xe2\x80\x94 \"quoted\" \\ \t \x01"},
          {"z", "no end of line"}};
}

std::string as_jsonl(const Documents& documents) {
  std::string lines;
  for (const std::pair<std::string, std::string>& document : documents) {
    lines += nlohmann::json{{"id", document.first}, {"text", document.second}}.dump() + "\n";
  }
  return lines;
}

std::string failure(const std::filesystem::path& input) {
  return message_of<DataError>([&] { read_documents({input.string()}); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(DocumentSource, FolderGivesItsFilesInPathOrder) {
  const TemporaryFolder folder;
  const Documents documents = sample();
  for (const std::pair<std::string, std::string>& document : documents) {
    write_text(folder / ("in/" + document.first), document.second);
  }
  write_text(folder / "in/.hidden", "not read");
  write_text(folder / "in/.git/config", "not read");
  EXPECT_EQ(read_documents({folder / "in"}), documents);
  EXPECT_EQ(read_documents({folder / "in/"}), documents);
}

TEST(DocumentSource, ArchivesOfEveryKindGiveTheirMembers) {
  const TemporaryFolder folder;
  Documents members = sample();
  const std::vector<std::pair<std::string, Compression>> kinds = {
      {"x.tar", Compression::kNone},
      {"x.tar.gz", Compression::kGzip},
      {"x.tgz", Compression::kGzip},
      {"x.tar.zst", Compression::kZstd},
      {"x.tar.xz", Compression::kXz},
      {"x.TAR.BZ2", Compression::kBzip2},
      {"x.zip", Compression::kNone},
      {"x.7z", Compression::kNone},
      {"tar without a name", Compression::kGzip}};
  Documents with_folder = members;
  with_folder.insert(with_folder.begin() + 1, {"b/", ""});
  for (const std::pair<std::string, Compression>& kind : kinds) {
    write_archive(folder / kind.first, with_folder, kind.second);
    for (const size_t part : {1000, 7}) {
      Documents read = read_documents({folder / kind.first}, part);
      if (kind.first == "x.7z") {  // its writer puts empty files last
        std::ranges::sort(read);
      }
      EXPECT_TRUE(read == members) << kind.first;  // no EXPECT_EQ: the texts are long
    }
  }
}

TEST(DocumentSource, JsonLinesOfEveryCompressionGiveTheirTexts) {
  const TemporaryFolder folder;
  const std::string lines = as_jsonl(sample());
  write_text(folder / "x.jsonl", lines);
  write_archive(folder / "x.jsonl.gz", {{"x", lines}}, Compression::kGzip, /*raw=*/true);
  write_archive(folder / "x.jsonl.zst", {{"x", lines}}, Compression::kZstd, /*raw=*/true);
  for (const char* name : {"x.jsonl", "x.jsonl.gz", "x.jsonl.zst"}) {
    EXPECT_EQ(read_documents({folder / name}), sample()) << name;
  }
}

TEST(DocumentSource, JoinedCompressedStreamsAreReadToTheEnd) {
  const TemporaryFolder folder;
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    const std::string name = kind == Compression::kGzip ? "x.jsonl.gz" : "x.jsonl.zst";
    write_archive(folder / name, {{"x", as_jsonl(sample())}}, kind, /*raw=*/true);
    const std::string once = read_file(folder / name);
    write_text(folder / name, once + once);
    EXPECT_EQ(read_documents({folder / name}).size(), 2 * sample().size()) << name;
  }
}

TEST(DocumentSource, JsonLinesAreNamedByIdNameOrPathElseByLine) {
  const TemporaryFolder folder;
  write_text(folder / "x.jsonl",
             "{\"text\":\"1\",\"name\":\"n\",\"id\":\"i\"}\n\n{\"name\":\"n\",\"text\":\"2\"}\r\n"
             "{\"path\":\"p\",\"text\":\"3\"}\n{\"text\":\"4\"}\n{\"id\":17,\"text\":\"5\"}");
  const Documents documents = read_documents({folder / "x.jsonl"});
  EXPECT_EQ(documents, (Documents{{"i", "1"},
                                  {"n", "2"},
                                  {"p", "3"},
                                  {(folder / "x.jsonl").string() + ":5", "4"},
                                  {"17", "5"}}));
}

TEST(DocumentSource, BadJsonLineIsNamed) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& third) {
    write_text(folder / "x.jsonl", "{\"text\":\"1\"}\n\n" + third + "\n{\"text\":\"4\"}\n");
    return failure(folder / "x.jsonl");
  };
  for (const std::string line : {"{\"text\":\"cut", "not json", "[1]", "{}", "{\"text\":3}",
                                 "{\"text\":null}", "{\"text\":\"\xff\"}", "{\"text\":\"a\"} x"}) {
    EXPECT_TRUE(contains(message(line), "x.jsonl:3: ")) << line << " gave: " << message(line);
  }
}

Documents read_from_stdin(const std::filesystem::path& path) {
  const int saved = ::dup(STDIN_FILENO);
  const int file = ::open(path.c_str(), O_RDONLY);
  ::dup2(file, STDIN_FILENO);
  ::close(file);
  Documents documents = read_documents({"-"});
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  return documents;
}

TEST(DocumentSource, StandardInputIsOneDocument) {
  const TemporaryFolder folder;
  write_text(folder / "in", "from\nstdin");
  EXPECT_EQ(read_from_stdin(folder / "in"), (Documents{{"stdin", "from\nstdin"}}));
  EXPECT_EQ(total_input_bytes({"-"}), std::nullopt);
  EXPECT_TRUE(contains(message_of<DataError>([] { read_documents({"-", "-"}); }), "twice"));
}

TEST(DocumentSource, StandardInputMayBeCompressedOrATar) {
  const TemporaryFolder folder;
  write_archive(folder / "x.gz", {{"x", "text"}}, Compression::kGzip, /*raw=*/true);
  EXPECT_EQ(read_from_stdin(folder / "x.gz"), (Documents{{"stdin", "text"}}));
  write_archive(folder / "x.tgz", {{"a", "1"}, {"b", "2"}}, Compression::kGzip);
  EXPECT_EQ(read_from_stdin(folder / "x.tgz"), (Documents{{"a", "1"}, {"b", "2"}}));
}

TEST(DocumentSource, InputsAreReadInTheOrderGivenAndCountedForProgress) {
  const TemporaryFolder folder;
  write_text(folder / "b", "second");
  write_text(folder / "a", "first");
  write_archive(folder / "c.tar.gz", {{"m", "third"}}, Compression::kGzip);
  const std::vector<std::string> inputs = {folder / "b", folder / "c.tar.gz", folder / "a"};
  EXPECT_EQ(texts_of(read_documents(inputs)),
            (std::vector<std::string>{"second", "third", "first"}));
  PassedOver passed_over;
  const std::unique_ptr<DocumentSource> source = open_documents(inputs, passed_over);
  char buffer[100];
  while (source->next_document()) {
    while (source->read(buffer, sizeof(buffer)) > 0) {
    }
  }
  EXPECT_EQ(source->input_bytes_read(), total_input_bytes(inputs));
}

TEST(DocumentSource, UnreadRestOfADocumentIsSkipped) {
  const TemporaryFolder folder;
  write_archive(folder / "x.tar.zst", sample(), Compression::kZstd);
  write_text(folder / "x.jsonl", as_jsonl(sample()));
  for (const char* name : {"x.tar.zst", "x.jsonl"}) {
    PassedOver passed_over;
    const std::unique_ptr<DocumentSource> source = open_documents({folder / name}, passed_over);
    size_t documents = 0;
    char buffer[3];
    while (source->next_document()) {
      source->read(buffer, sizeof(buffer));
      ++documents;
    }
    EXPECT_EQ(documents, sample().size()) << name;
  }
}

TEST(DocumentSource, EmptyShardsGiveNoDocuments) {
  const TemporaryFolder folder;
  write_text(folder / "in/1.jsonl", "{\"text\":\"one\"}\n");
  write_text(folder / "in/2.jsonl", "");
  write_text(folder / "in/3.jsonl", "\n\n");
  write_archive(folder / "in/4.tar", {}, Compression::kNone);
  write_text(folder / "in/5.tar", "");
  write_archive(folder / "in/6.jsonl.gz", {{"x", ""}}, Compression::kGzip, /*raw=*/true);
  write_archive(folder / "in/7.zip", {}, Compression::kNone);
  write_text(folder / "in/8.jsonl", "{\"text\":\"two\"}\n");
  ReadingNotes notes;
  EXPECT_EQ(texts_of(read_documents({folder / "in"}, 1000, &notes)),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(notes.passed_over.empty, 6);
  EXPECT_EQ(texts_of(read_documents({folder / "in/2.jsonl", folder / "in/1.jsonl"})),
            (std::vector<std::string>{"one"}));
  const std::string both =
      message_of<DataError>([&] { read_documents({folder / "in/2.jsonl", folder / "in/4.tar"}); });
  EXPECT_TRUE(contains(both, "4.tar: hold no documents; passed over: 2 empty")) << both;
}

TEST(DocumentSource, TextsOfEveryCompressionGiveTheirText) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, Compression>> kinds = {
      {"a.txt.gz", Compression::kGzip},
      {"b.TXT.ZST", Compression::kZstd},
      {"c.xz", Compression::kXz},
      {"d.txt.bz2", Compression::kBzip2},
      {"e.txt", Compression::kGzip}};
  std::filesystem::create_directories(folder / "in");
  Documents documents;
  for (const std::pair<std::string, Compression>& kind : kinds) {
    documents.emplace_back(kind.first, "text of " + kind.first);
    write_archive(folder / ("in/" + kind.first), {documents.back()}, kind.second, /*raw=*/true);
  }
  EXPECT_EQ(read_documents({folder / "in"}), documents);
}

TEST(DocumentSource, MembersOfArchivesAreReadAsFilesOfFoldersAre) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"texts/a.txt", "a"},
      {"texts/b.jsonl", "{\"text\":\"b1\"}\n{\"text\":\"b2\",\"id\":\"i\"}\n"},
      {"texts/c.ndjson", "{\"text\":\"c\"}\n"},
      {"texts/._a.txt", "resource"},
      {"texts/.DS_Store", "settings"},
      {"texts/picture.txt", std::string("\x89PNG\r\n\x1a\n\0\0", 10)},
      {"texts/z", "z"}};
  write_archive(folder / "c.tar", {{"inner", "tar"}}, Compression::kNone);
  for (const std::pair<std::string, std::string>& file : files) {
    write_text(folder / ("in/" + file.first), file.second);
  }
  write_archive(folder / "x.tgz", files, Compression::kGzip);
  write_archive(folder / "x.zip", files, Compression::kNone);
  for (const char* input : {"in", "x.tgz", "x.zip"}) {
    ReadingNotes notes;
    const Documents documents = read_documents({folder / input}, 1000, &notes);
    EXPECT_EQ(texts_of(documents), (std::vector<std::string>{"a", "b1", "b2", "c", "z"})) << input;
    EXPECT_EQ(documents[2].first, "i");
    EXPECT_EQ(notes.passed_over.hidden, 2) << input;
    EXPECT_EQ(notes.passed_over.binary, 1) << input;
    EXPECT_EQ(notes.passed_over.binary_kinds.at("a PNG image"), 1) << input;
    ASSERT_EQ(notes.warnings.size(), 1u) << input;
    EXPECT_TRUE(contains(notes.warnings[0], "texts/picture.txt: is a PNG image, passed over"));
  }
  write_archive(folder / "bad.tar", {{"m.jsonl", "{}"}}, Compression::kNone);
  EXPECT_TRUE(contains(failure(folder / "bad.tar"), "bad.tar/m.jsonl:1: "));
}

TEST(DocumentSource, NamesOfMembersNeedNotBeAscii) {
  const TemporaryFolder folder;
  const std::string name = "caf\xc3\xa9/\xd1\x84.txt";
  for (const char* archive : {"x.tar", "x.zip", "x.7z"}) {
    write_archive(folder / archive, {{name, "text"}, {"caf\xc3\xa9/.hidden", "h"}},
                  Compression::kNone);
    EXPECT_EQ(read_documents({folder / archive}), (Documents{{name, "text"}})) << archive;
  }
}

TEST(DocumentSource, CutZipsAreRefused) {
  const TemporaryFolder folder;
  write_archive(folder / "x.zip", {{"a", "1"}, {"b", "2"}}, Compression::kNone);
  const std::string whole = read_file(folder / "x.zip");
  for (size_t size = 4; size < whole.size(); ++size) {
    write_text(folder / "x.zip", whole.substr(0, size));
    EXPECT_TRUE(contains(failure(folder / "x.zip"), "x.zip: archive cannot be read")) << size;
  }
}

TEST(DocumentSource, ArchivesWithinArchivesAreRead) {
  const TemporaryFolder folder;
  write_archive(folder / "a.tar.xz", {{"m", "deep"}}, Compression::kXz);
  write_archive(folder / "b.tar", {{"a.tar.xz", read_file(folder / "a.tar.xz")}, {"n", "flat"}},
                Compression::kNone);
  EXPECT_EQ(read_documents({folder / "b.tar"}), (Documents{{"m", "deep"}, {"n", "flat"}}));
}

TEST(DocumentSource, FilesThatAreNoTextAreRefusedWhenNamed) {
  const TemporaryFolder folder;
  write_text(folder / "x.txt", "%PDF-1.7\n");
  EXPECT_TRUE(contains(failure(folder / "x.txt"), "x.txt: is a PDF document, not text\nhint: "));
  write_text(folder / "in/x.txt", "%PDF-1.7\n");
  EXPECT_TRUE(contains(failure(folder / "in"), "1 not text (1: a PDF document)"));
  for (int i = 0; i < 30; ++i) {
    write_text(folder / ("many/" + std::to_string(i)), "%PDF-1.7\n");
  }
  write_text(folder / "many/text", "text");
  ReadingNotes notes;
  EXPECT_EQ(read_documents({folder / "many"}, 1000, &notes), (Documents{{"text", "text"}}));
  EXPECT_EQ(notes.passed_over.binary, 30);
  EXPECT_EQ(notes.warnings.size(), 11u);
}

TEST(DocumentSource, HardLinkedMembersAreDocuments) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a", "first a"},         {"b -> a", "hard"},     {"a", "second a"}, {"c -> ./a", "hard"},
      {"d -> c", "hard"},       {".e -> a", "hard"},    {"f", "f"},        {"g -> a", "symbolic"},
      {"h -> nowhere", "hard"}, {"i -> later", "hard"}, {"later", "l"}};
  for (const Compression kind : {Compression::kNone, Compression::kGzip}) {
    write_archive(folder / "x.tar", files, kind);
    ReadingNotes notes;
    Documents documents = read_documents({folder / "x.tar"}, 1000, &notes);
    std::ranges::sort(documents);
    EXPECT_EQ(documents, (Documents{{"a", "first a"},
                                    {"a", "second a"},
                                    {"b", "first a"},
                                    {"c", "second a"},
                                    {"d", "second a"},
                                    {"f", "f"},
                                    {"later", "l"}}));
    EXPECT_EQ(notes.passed_over.hidden, 1);
    EXPECT_EQ(notes.passed_over.special, 3);  // g, h, i
    ASSERT_EQ(notes.warnings.size(), 2u);
    EXPECT_TRUE(contains(notes.warnings[0], "x.tar/h: hard link to a file that is not"));
  }
}

TEST(DocumentSource, JoinedTarsAreReadToTheEnd) {
  const TemporaryFolder folder;
  write_archive(folder / "a.tar", {{"a", "1"}}, Compression::kNone);
  write_archive(folder / "b.tar", {{"b", "2"}}, Compression::kNone);
  const std::string joined = read_file(folder / "a.tar") + read_file(folder / "b.tar");
  write_text(folder / "c.tar", joined);
  EXPECT_EQ(read_documents({folder / "c.tar"}), (Documents{{"a", "1"}, {"b", "2"}}));
  write_text(folder / "c.tar", joined + std::string(600, 'x'));
  EXPECT_TRUE(contains(failure(folder / "c.tar"), "c.tar: tar archive cannot be read"));
  write_text(folder / "c.tar", joined.substr(0, 1024));
  ReadingNotes notes;
  EXPECT_EQ(read_documents({folder / "c.tar"}, 1000, &notes), (Documents{{"a", "1"}}));
  ASSERT_EQ(notes.warnings.size(), 1u);
  EXPECT_TRUE(contains(notes.warnings[0], "may be cut short"));
}

TEST(DocumentSource, ChecksumsBehindTheLastMemberAreLookedAt) {
  const TemporaryFolder folder;
  write_archive(folder / "x.tar.gz", sample(), Compression::kGzip);
  std::string bytes = read_file(folder / "x.tar.gz");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] + 1);
  write_text(folder / "x.tar.gz", bytes);
  EXPECT_TRUE(contains(failure(folder / "x.tar.gz"), "x.tar.gz: gzip data is damaged at byte "));
}

TEST(DocumentSource, MissingAndEmptyInputsAreNamed) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(failure(folder / "nowhere"), "nowhere: no such file"));
  std::filesystem::create_directories(folder / "empty/deeper");
  write_text(folder / "empty/.hidden", "x");
  EXPECT_TRUE(contains(failure(folder / "empty"), "holds no documents"));
  write_text(folder / "x.jsonl", "");
  EXPECT_TRUE(contains(failure(folder / "x.jsonl"), "holds no documents"));
  write_archive(folder / "x.tar", {}, Compression::kNone);
  EXPECT_TRUE(contains(failure(folder / "x.tar"), "holds no documents"));
  EXPECT_THROW(read_documents({}), DataError);
}

TEST(DocumentSource, UnreadableFileIsNamed) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "the superuser can read every file";
  }
  const TemporaryFolder folder;
  write_text(folder / "secret", "x");
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
  EXPECT_TRUE(contains(failure(folder / "secret"), "secret: cannot be opened: Permission denied"));
}

TEST(DocumentSource, LinksAreFollowedButNotInCircles) {
  const TemporaryFolder folder;
  write_text(folder / "in/a", "1");
  write_text(folder / "elsewhere/b", "2");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "in/link");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "in/link2");
  EXPECT_EQ(read_documents({folder / "in"}),
            (Documents{{"a", "1"}, {"link/b", "2"}, {"link2/b", "2"}}));
  std::filesystem::create_directory_symlink(folder / "in", folder / "elsewhere/back");
  EXPECT_TRUE(contains(failure(folder / "in"), "leads back to a folder above it"));
  std::filesystem::remove(folder / "elsewhere/back");
  std::filesystem::create_symlink(folder / "gone", folder / "in/dangling");
  EXPECT_TRUE(contains(failure(folder / "in"), "dangling: symbolic link leads nowhere"));
  std::filesystem::create_symlink("self", folder / "self");
  EXPECT_NE(failure(folder / "self"), "(nothing was thrown)");
}

TEST(DocumentSource, TruncatedArchivesAreRefused) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, Compression>> kinds = {
      {"x.tar.gz", Compression::kGzip}, {"x.tar.zst", Compression::kZstd}};
  for (const std::pair<std::string, Compression>& kind : kinds) {
    write_archive(folder / kind.first, sample(), kind.second);
    const std::string whole = read_file(folder / kind.first);
    for (size_t part = 0; part < 20; ++part) {
      write_text(folder / kind.first, whole.substr(0, whole.size() * part / 20));
      EXPECT_TRUE(contains(failure(folder / kind.first), kind.first + ": ")) << part;
    }
  }
  write_archive(folder / "x.tar", sample(), Compression::kNone);
  write_text(folder / "x.tar", read_file(folder / "x.tar").substr(0, 100000));
  EXPECT_TRUE(contains(failure(folder / "x.tar"), "x.tar: tar archive cannot be read"));
}

TEST(DocumentSource, TruncatedCompressedLinesAreRefused) {
  const TemporaryFolder folder;
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    const std::string name = kind == Compression::kGzip ? "x.jsonl.gz" : "x.jsonl.zst";
    write_archive(folder / name, {{"x", as_jsonl(sample())}}, kind, /*raw=*/true);
    const std::string whole = read_file(folder / name);
    for (const size_t missing : {size_t{1}, size_t{9}, whole.size() / 2}) {
      write_text(folder / name, whole.substr(0, whole.size() - missing));
      EXPECT_NE(failure(folder / name), "(nothing was thrown)") << name << " less " << missing;
    }
  }
}

TEST(DocumentSource, FilesThatAreNotWhatTheirNameSaysAreRefused) {
  const TemporaryFolder folder;
  for (const char* name : {"x.tar", "x.tar.gz", "x.tar.zst", "x.jsonl.gz", "x.jsonl.zst"}) {
    write_text(folder / name, std::string(3000, 'x') + "\n");
    EXPECT_TRUE(contains(failure(folder / name), std::string(name) + ": "))
        << failure(folder / name);
  }
}

TEST(DocumentSource, BooksHaveTheBytesAndWordsOfTheirList) {
  const std::filesystem::path books =
      std::filesystem::path(BRT_SOURCE_DIR) / "../shared/data/books.tar.zst";
  if (!std::filesystem::exists(books)) {
    GTEST_SKIP() << "no archive of books beside the source folder";
  }
  PassedOver passed_over;
  const std::unique_ptr<DocumentSource> source = open_documents({books.string()}, passed_over);
  std::vector<char> part(1 << 16);
  int64_t documents = 0;
  int64_t bytes = 0;
  int64_t words = 0;
  while (const std::optional<std::string> name = source->next_document()) {
    if (!contains(*name, "books/test/")) {
      continue;
    }
    WordCounter counter;
    while (const size_t size = source->read(part.data(), part.size())) {
      counter.append({part.data(), size});
      bytes += static_cast<int64_t>(size);
    }
    words += counter.words();
    ++documents;
  }
  EXPECT_EQ(documents, 38);
  EXPECT_EQ(bytes, 11686144);
  EXPECT_EQ(words, 2050332);
}

}  // namespace
}  // namespace brt
