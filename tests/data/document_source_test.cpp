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

TEST(DocumentSource, TarsOfEveryCompressionGiveTheirMembers) {
  const TemporaryFolder folder;
  Documents members = sample();
  const std::vector<std::pair<std::string, Compression>> kinds = {
      {"x.tar", Compression::kNone},
      {"x.tar.gz", Compression::kGzip},
      {"x.tar.zst", Compression::kZstd}};
  Documents with_folder = members;
  with_folder.insert(with_folder.begin() + 1, {"b/", ""});
  for (const std::pair<std::string, Compression>& kind : kinds) {
    write_archive(folder / kind.first, with_folder, kind.second);
    EXPECT_EQ(read_documents({folder / kind.first}), members) << kind.first;
    EXPECT_EQ(read_documents({folder / kind.first}, 7), members) << kind.first;
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

TEST(DocumentSource, StandardInputIsOneDocument) {
  const TemporaryFolder folder;
  write_text(folder / "in", "from\nstdin");
  const int saved = ::dup(STDIN_FILENO);
  const int file = ::open((folder / "in").c_str(), O_RDONLY);
  ::dup2(file, STDIN_FILENO);
  ::close(file);
  const Documents documents = read_documents({"-"});
  EXPECT_EQ(total_input_bytes({"-"}), std::nullopt);
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  EXPECT_EQ(documents, (Documents{{"stdin", "from\nstdin"}}));
  EXPECT_TRUE(contains(message_of<DataError>([] { open_documents({"-", "-"}); }), "twice"));
}

TEST(DocumentSource, InputsAreReadInTheOrderGivenAndCountedForProgress) {
  const TemporaryFolder folder;
  write_text(folder / "b", "second");
  write_text(folder / "a", "first");
  write_archive(folder / "c.tar.gz", {{"m", "third"}}, Compression::kGzip);
  const std::vector<std::string> inputs = {folder / "b", folder / "c.tar.gz", folder / "a"};
  EXPECT_EQ(texts_of(read_documents(inputs)),
            (std::vector<std::string>{"second", "third", "first"}));
  const std::unique_ptr<DocumentSource> source = open_documents(inputs);
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
    const std::unique_ptr<DocumentSource> source = open_documents({folder / name});
    size_t documents = 0;
    char buffer[3];
    while (source->next_document()) {
      source->read(buffer, sizeof(buffer));
      ++documents;
    }
    EXPECT_EQ(documents, sample().size()) << name;
  }
}

TEST(DocumentSource, MissingAndEmptyInputsAreNamed) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(failure(folder / "nowhere"), "nowhere: no such file"));
  std::filesystem::create_directories(folder / "empty/deeper");
  write_text(folder / "empty/.hidden", "x");
  EXPECT_TRUE(contains(failure(folder / "empty"), "holds no files"));
  write_text(folder / "x.jsonl", "");
  EXPECT_TRUE(contains(failure(folder / "x.jsonl"), "holds no lines"));
  write_archive(folder / "x.tar", {}, Compression::kNone);
  EXPECT_TRUE(contains(failure(folder / "x.tar"), "holds no files"));
  EXPECT_THROW(open_documents({}), DataError);
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
  const std::unique_ptr<DocumentSource> source = open_documents({books.string()});
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
