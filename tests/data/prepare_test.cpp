// SPDX-License-Identifier: Apache-2.0
// A split appears whole or not at all, holds its documents' tokens, and is made in bounded memory.
#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/temporaries.h"
#include "data/data_fixtures.h"
#include "data/prepared_data.h"
#include "text/tokenizer_trainer.h"

namespace brt {
namespace {

using testing::Compression;
using testing::Documents;
using testing::message_of;
using testing::TemporaryFolder;
using testing::write_archive;
using testing::write_text;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

PrepareOptions options_for(const TemporaryFolder& folder,
                           const std::string& input,
                           const std::string& split = "train") {
  PrepareOptions options;
  options.inputs = {folder / input};
  options.output = folder / "out";
  options.split = split;
  return options;
}

std::string failure(const PrepareOptions& options) {
  return message_of<Error>([&] { prepare_split(options, nullptr); });
}

/// Paths of all entries below a folder, for comparing before and after.
std::set<std::string> tree(const std::filesystem::path& folder) {
  std::set<std::string> paths;
  for (const std::filesystem::directory_entry& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    paths.insert(entry.path().lexically_relative(folder).string());
  }
  return paths;
}

Documents decoded(const std::filesystem::path& folder, const std::string& split_name) {
  const PreparedData data(folder);
  const PreparedSplit split = data.open_split(split_name);
  const std::unique_ptr<Tokenizer> tokenizer = data.tokenizer();
  Documents documents;
  for (int64_t i = 0; i < split.num_documents(); ++i) {
    std::vector<int32_t> tokens(static_cast<size_t>(split.document(i).tokens));
    split.read(i, 0, tokens);
    EXPECT_EQ(tokens.back(), tokenizer->document_end());
    documents.emplace_back(split.document(i).name, tokenizer->decode(tokens));
  }
  return documents;
}

Documents sample() {
  std::string longest;
  for (int i = 0; i < 100000; ++i) {
    longest += "word" + std::to_string(i * 7919 % 5003) + (i % 13 == 12 ? "\n" : " ");
  }
  return {{"a", "hello world\n"}, {"b", ""}, {"c", longest}, {"d", "caf\xc3\xa9 \xff\xfe end"}};
}

Documents without_empty(Documents documents) {
  std::erase_if(documents, [](const Documents::value_type& d) { return d.second.empty(); });
  return documents;
}

std::string train_small_tokenizer() {
  std::vector<std::string> lines;
  for (int i = 0; i < 2000; ++i) {
    lines.push_back("the word" + std::to_string(i % 97) + " and the other word" +
                    std::to_string(i));
  }
  size_t next = 0;
  TokenizerTrainerOptions options;
  options.vocab_size = 400;
  return train_tokenizer(
      [&]() -> std::optional<std::string> {
        return next < lines.size() ? std::optional<std::string>(lines[next++]) : std::nullopt;
      },
      options);
}

TEST(Prepare, DocumentsComeBackFromBytesAndFromSentencePiece) {
  const TemporaryFolder folder;
  write_archive(folder / "in.tar.zst", sample(), Compression::kZstd);
  write_text(folder / "small.model", train_small_tokenizer());
  for (const std::string& tokenizer : {std::string("bytes"), (folder / "small.model").string()}) {
    PrepareOptions options = options_for(folder, "in.tar.zst");
    options.output = folder / ("out-" + std::filesystem::path(tokenizer).stem().string());
    options.tokenizer = tokenizer;
    const PrepareProgress progress = prepare_split(options, nullptr);
    EXPECT_EQ(progress.documents, 3);
    EXPECT_EQ(decoded(options.output, "train"), without_empty(sample())) << tokenizer;
    const PreparedSplit split = PreparedData(options.output).open_split("train");
    EXPECT_EQ(split.total_bytes(), progress.bytes);
    EXPECT_EQ(split.total_tokens(), progress.tokens);
    EXPECT_EQ(split.total_words(), progress.words);
    EXPECT_EQ(progress.words, 2 + 100000 + 3);
  }
}

TEST(Prepare, ShardsAreCutAtDocumentEndsAndReadAsOne) {
  const TemporaryFolder folder;
  Documents documents;
  for (int i = 0; i < 50; ++i) {
    documents.emplace_back(std::string("d") + std::to_string(i),
                           std::string(static_cast<size_t>(i % 7 + 1), 'x'));
  }
  write_archive(folder / "in.tar", documents, Compression::kNone);
  PrepareOptions options = options_for(folder, "in.tar");
  options.shard_tokens = 20;
  prepare_split(options, nullptr);
  EXPECT_TRUE(std::filesystem::exists(folder / "out/train/shard-00005.brt"));
  EXPECT_EQ(decoded(folder / "out", "train"), documents);
}

TEST(Prepare, ReadOutsideADocumentIsAnError) {
  const TemporaryFolder folder;
  write_text(folder / "in", "abc");
  prepare_split(options_for(folder, "in"), nullptr);
  const PreparedSplit split = PreparedData(folder / "out").open_split("train");
  std::vector<int32_t> tokens(5);
  EXPECT_THROW(split.read(0, 0, tokens), DataError);
  EXPECT_THROW(split.read(0, -1, tokens), DataError);
  tokens.resize(2);
  EXPECT_THROW(split.read(0, 3, tokens), DataError);
  EXPECT_THROW(split.read(1, 0, tokens), DataError);
  EXPECT_THROW(split.document(-1), DataError);
  split.read(0, 2, tokens);
  EXPECT_EQ(tokens[0], 'c');
}

TEST(Prepare, AnotherSplitIsAddedAndTheSameIsReplaced) {
  const TemporaryFolder folder;
  write_text(folder / "one", "first text");
  write_text(folder / "two", "second");
  prepare_split(options_for(folder, "one", "train"), nullptr);
  const uint64_t before = PreparedData(folder / "out").open_split("train").fingerprint();
  prepare_split(options_for(folder, "two", "test"), nullptr);
  EXPECT_EQ(PreparedData(folder / "out").split_names(),
            (std::vector<std::string>{"test", "train"}));
  EXPECT_EQ(PreparedData(folder / "out").open_split("train").fingerprint(), before);
  const std::set<std::string> entries = tree(folder / "out");
  prepare_split(options_for(folder, "two", "train"), nullptr);
  EXPECT_EQ(decoded(folder / "out", "train"), (Documents{{"two", "second"}}));
  EXPECT_NE(PreparedData(folder / "out").open_split("train").fingerprint(), before);
  EXPECT_EQ(tree(folder / "out"), entries);
}

TEST(Prepare, AnotherTokenizerThanTheOtherSplitsIsAnError) {
  const TemporaryFolder folder;
  write_text(folder / "in", "some text");
  write_text(folder / "small.model", train_small_tokenizer());
  prepare_split(options_for(folder, "in", "train"), nullptr);
  const std::set<std::string> entries = tree(folder / "out");
  PrepareOptions other = options_for(folder, "in", "test");
  other.tokenizer = folder / "small.model";
  EXPECT_TRUE(contains(failure(other), "split \"train\" was made with another tokenizer"));
  EXPECT_TRUE(contains(failure(other), "hint: use --tokenizer bytes"));
  EXPECT_EQ(tree(folder / "out"), entries);
  // The only split may change its tokenizer, there and back.
  other.split = "train";
  prepare_split(other, nullptr);
  EXPECT_EQ(PreparedData(folder / "out").tokenizer_kind(), "sentencepiece");
  EXPECT_EQ(decoded(folder / "out", "train"), (Documents{{"in", "some text"}}));
  prepare_split(options_for(folder, "in", "train"), nullptr);
  EXPECT_EQ(decoded(folder / "out", "train"), (Documents{{"in", "some text"}}));
  EXPECT_EQ(tree(folder / "out"), entries);
}

TEST(Prepare, SwappedTokenizerIsNoticed) {
  const TemporaryFolder folder;
  write_text(folder / "in", "some text");
  write_text(folder / "small.model", train_small_tokenizer());
  prepare_split(options_for(folder, "in"), nullptr);
  std::filesystem::copy_file(folder / "small.model", folder / "out/tokenizer.model");
  EXPECT_THROW(PreparedData(folder / "out").tokenizer(), DataError);
}

TEST(Prepare, WhatIsPassedOverIsCounted) {
  const TemporaryFolder folder;
  write_text(folder / "in/a", "text");
  write_text(folder / "in/empty", "");
  write_text(folder / "in/.hidden/b", "text");
  write_text(folder / "in/c.pdf", "%PDF-1.7\n");
  write_text(folder / "in/d.jsonl", "{\"text\":\"\"}\n{\"text\":\"d\"}\n");
  std::vector<std::string> warnings;
  const PrepareProgress progress =
      prepare_split(options_for(folder, "in"), nullptr,
                    [&](const std::string& warning) { warnings.push_back(warning); });
  EXPECT_EQ(progress.documents, 2);
  EXPECT_EQ(progress.passed_over.hidden, 1);
  EXPECT_EQ(progress.passed_over.empty, 2);
  EXPECT_EQ(progress.passed_over.binary, 1);
  EXPECT_EQ(progress.passed_over.special, 0);
  EXPECT_EQ(describe(progress.passed_over), "1 hidden, 2 empty, 1 not text (1: a PDF document)");
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(Prepare, ErrorsLeaveNothingBehind) {
  const TemporaryFolder folder;
  write_text(folder / "bad.jsonl", "{\"text\":\"good\"}\n{\"text\":3}\n");
  write_text(folder / "empty", "");
  write_text(folder / "in", "text");
  const std::set<std::string> entries = tree(folder.path());
  for (const char* input : {"bad.jsonl", "empty", "missing"}) {
    PrepareOptions options = options_for(folder, input);
    options.output = folder / "new/folder/out";
    EXPECT_NE(failure(options), "(nothing was thrown)");
    EXPECT_EQ(tree(folder.path()), entries) << input;
  }
  EXPECT_TRUE(contains(failure(options_for(folder, "empty")), "hold no text"));
  EXPECT_THROW(prepare_split(options_for(folder, "in"),
                             [](const PrepareProgress&) { throw Error("stopped"); }),
               Error);
  EXPECT_EQ(tree(folder.path()), entries);
}

TEST(Prepare, ErrorsLeaveTheOldSplitAsItWas) {
  const TemporaryFolder folder;
  write_text(folder / "in", "old text");
  write_text(folder / "bad.jsonl", "{\"text\":\"good\"}\nbroken\n");
  prepare_split(options_for(folder, "in"), nullptr);
  const std::set<std::string> entries = tree(folder / "out");
  EXPECT_NE(failure(options_for(folder, "bad.jsonl")), "(nothing was thrown)");
  EXPECT_EQ(tree(folder / "out"), entries);
  EXPECT_EQ(decoded(folder / "out", "train"), (Documents{{"in", "old text"}}));
}

/// Runs prepare in a child whose files may have `limit` bytes; returns whether it failed with
/// Error.
bool fails_under_limit(const PrepareOptions& options, rlim_t limit) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit size = {limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &size);
    int code = 0;
    try {
      prepare_split(options, nullptr);
    } catch (const Error&) {
      code = 7;
    } catch (...) {
      code = 8;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

TEST(Prepare, FullDiskAtAnyMomentLeavesNothingBehind) {
  const TemporaryFolder folder;
  write_text(folder / "in", std::string(3000000, 'x'));
  write_text(folder / "tiny", "x");
  const std::set<std::string> entries = tree(folder.path());
  for (const rlim_t limit : {1000, 1500000, 5999000}) {
    EXPECT_TRUE(fails_under_limit(options_for(folder, "in"), limit)) << limit;
    EXPECT_EQ(tree(folder.path()), entries) << limit;
  }
  // The shard of the tiny text fits, dataset.json does not.
  EXPECT_TRUE(fails_under_limit(options_for(folder, "tiny"), 200));
  EXPECT_EQ(tree(folder.path()), entries);
  prepare_split(options_for(folder, "tiny"), nullptr);
  const std::set<std::string> with_split = tree(folder.path());
  EXPECT_TRUE(fails_under_limit(options_for(folder, "tiny"), 200));
  EXPECT_EQ(tree(folder.path()), with_split);
  EXPECT_EQ(decoded(folder / "out", "train"), (Documents{{"tiny", "x"}}));
}

TEST(Prepare, RemainsOfAKilledRunAreClearedAway) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  const std::filesystem::path out = folder / "out";
  write_text(out / temporary_name("train") / "shard-00000.brt", "whole, but in no dataset.json");
  write_text(out / temporary_name("dataset.json"), "half");
  write_text(out / ".partial-train/shard-00000.brt.partial-1", "half, of an older version");
  prepare_split(options_for(folder, "in"), nullptr);
  EXPECT_EQ(tree(out),
            (std::set<std::string>{".lock", "dataset.json", "train", "train/shard-00000.brt"}));
}

TEST(Prepare, WhatIsOnlyNamedLikeRemainsStays) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  prepare_split(options_for(folder, "in"), nullptr);
  write_text(folder / "out/thesis.partial-7/a.txt", "precious");
  write_text(folder / "out/b.partial-1", "precious");
  write_text(folder / "out/.partial-old-test/shard-00000.brt", "the only copy");
  write_text(folder / "out" / temporary_name("test") / "c.txt", "precious");
  const std::set<std::string> entries = tree(folder / "out");
  prepare_split(options_for(folder, "in"), nullptr);
  EXPECT_EQ(tree(folder / "out"), entries);
}

TEST(Prepare, WhatDatasetJsonDoesNotNameIsNotReplaced) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  prepare_split(options_for(folder, "in"), nullptr);
  write_text(folder / "out/test/a.txt", "the only copy");
  write_text(folder / "out/dev", "a file");
  write_text(folder / "out/train/notes.txt", "beside shards");
  const std::set<std::string> entries = tree(folder / "out");
  for (const char* split : {"test", "dev", "train"}) {
    EXPECT_TRUE(contains(failure(options_for(folder, "in", split)), "not made by brt prepare"))
        << split;
    EXPECT_EQ(tree(folder / "out"), entries) << split;
  }
  EXPECT_EQ(read_file(folder / "out/dev"), "a file");
}

TEST(Prepare, AnInputWithinTheSplitIsRefused) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  prepare_split(options_for(folder, "in"), nullptr);
  write_text(folder / "out/test/a.txt", "the only copy");
  for (const char* input : {"out/test", "out/test/a.txt", "out/train/../test"}) {
    EXPECT_TRUE(contains(failure(options_for(folder, input, "test")),
                         "input lies within the split that would be made"))
        << input;
  }
  EXPECT_EQ(read_file(folder / "out/test/a.txt"), "the only copy");
}

TEST(Prepare, ATokenizerOfTheUsersIsNotReplaced) {
  const TemporaryFolder folder;
  const std::string model = train_small_tokenizer();
  write_text(folder / "in", "some text");
  write_text(folder / "out/tokenizer.model", model);
  EXPECT_TRUE(contains(failure(options_for(folder, "in")), "is another tokenizer"));
  EXPECT_EQ(read_file(folder / "out/tokenizer.model"), model);
  PrepareOptions options = options_for(folder, "in");
  options.tokenizer = folder / "out/tokenizer.model";
  prepare_split(options, nullptr);
  EXPECT_EQ(decoded(folder / "out", "train"), (Documents{{"in", "some text"}}));
}

/// Undoes the last moves of a split's installation, as a kill before them leaves it.
std::filesystem::path as_killed_while_installing(const std::filesystem::path& folder,
                                                 const std::string& split,
                                                 bool replaces_tokenizer) {
  const std::string name = temporary_name(split);
  DatasetManifest manifest = read_manifest(folder);
  manifest.installing = {.split = split, .folder = name, .replaces_tokenizer = replaces_tokenizer};
  write_manifest(folder, manifest);
  return folder / name;
}

TEST(Prepare, ASplitThatIsNotMovedYetIsReadAndMovedByTheNextRun) {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder / "out";
  write_text(folder / "old", "old text");
  write_text(folder / "in", "new text");
  write_text(folder / "small.model", train_small_tokenizer());
  prepare_split(options_for(folder, "old"), nullptr);
  std::filesystem::rename(out / "train", folder / "old train");
  PrepareOptions options = options_for(folder, "in");
  options.tokenizer = folder / "small.model";
  prepare_split(options, nullptr);
  const std::set<std::string> entries = tree(out);
  const std::filesystem::path made = as_killed_while_installing(out, "train", true);
  // Both moves are open, then one, then none; and an older split still has the place.
  for (const int moves : {2, 1, 0}) {
    if (moves > 0) {
      std::filesystem::rename(out / "train", made);
      std::filesystem::copy(folder / "old train", out / "train");
    }
    if (moves > 1) {
      std::filesystem::rename(out / "tokenizer.model", made / "tokenizer.model");
    }
    EXPECT_EQ(decoded(out, "train"), (Documents{{"in", "new text"}})) << moves;
    PrepareOptions other = options_for(folder, "old", "test");
    other.tokenizer = options.tokenizer;
    prepare_split(other, nullptr);
    EXPECT_EQ(decoded(out, "train"), (Documents{{"in", "new text"}})) << moves;
    EXPECT_EQ(decoded(out, "test"), (Documents{{"old", "old text"}})) << moves;
    std::set<std::string> both = entries;
    both.insert({"test", "test/shard-00000.brt"});
    EXPECT_EQ(tree(out), both) << moves;
    DatasetManifest manifest = read_manifest(out);
    manifest.installing = {.split = "train", .folder = made.filename(), .replaces_tokenizer = true};
    write_manifest(out, manifest);
  }
}

TEST(Prepare, FoldersOfOtherThingsAreNotTouched) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  write_text(folder / "out/thesis.txt", "precious");
  write_text(folder / "out/train/notes.partial-x", "precious too");
  const std::set<std::string> entries = tree(folder / "out");
  EXPECT_TRUE(contains(failure(options_for(folder, "in")), "holds other files"));
  EXPECT_EQ(tree(folder / "out"), entries);
  write_text(folder / "file", "x");
  PrepareOptions options = options_for(folder, "in");
  options.output = folder / "file";
  EXPECT_TRUE(contains(failure(options), "folder cannot be made"));
}

TEST(Prepare, OutputWithinAnInputFolderIsRefused) {
  const TemporaryFolder folder;
  write_text(folder / "texts/in", "text");
  PrepareOptions options = options_for(folder, "texts");
  options.output = folder / "texts/out";
  EXPECT_TRUE(contains(failure(options), "lies within the input folder"));
  EXPECT_FALSE(std::filesystem::exists(folder / "texts/out"));
}

TEST(Prepare, SplitNamesThatAreNotPlainAreRefused) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  for (const char* name : {"", ".", "..", "a/b", "../x", "dataset.json", "a b"}) {
    EXPECT_THROW(prepare_split(options_for(folder, "in", name), nullptr), ConfigError) << name;
  }
}

TEST(Prepare, ALockedFolderIsRefused) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  std::filesystem::create_directories(folder / "out");
  {
    const FileLock lock(folder / "out/.lock");
    EXPECT_TRUE(contains(failure(options_for(folder, "in")), "in use"));
  }
  prepare_split(options_for(folder, "in"), nullptr);
}

TEST(PreparedData, SaysWhatIsWrongWithAFolder) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(message_of<DataError>([&] { PreparedData data(folder / "no"); }), "hint: "));
  EXPECT_TRUE(contains(message_of<DataError>([&] { PreparedData data(folder.path()); }),
                       "has no dataset.json"));
  write_text(folder / "in", "text");
  prepare_split(options_for(folder, "in"), nullptr);
  const PreparedData data(folder / "out");
  EXPECT_TRUE(contains(message_of<DataError>([&] { data.open_split("trian"); }),
                       "has no split \"trian\"; it has: train"));
  const std::string manifest = read_file(folder / "out/dataset.json");
  for (size_t size = 0; size + 2 < manifest.size(); ++size) {
    write_text(folder / "out/dataset.json", manifest.substr(0, size));
    EXPECT_THROW(PreparedData(folder / "out"), DataError) << size;
  }
  for (const char* text :
       {"[]", "3", "{}", "{\"format_version\":1}", "null", "{\"format_version\":9}"}) {
    write_text(folder / "out/dataset.json", text);
    EXPECT_THROW(PreparedData(folder / "out"), DataError) << text;
  }
  std::string other = manifest;
  other.replace(other.find("\"bytes\","), 8, "\"bites\",");
  write_text(folder / "out/dataset.json", other);
  EXPECT_TRUE(contains(message_of<DataError>([&] { PreparedData(folder / "out"); }),
                       "unknown tokenizer \"bites\""));
}

TEST(PreparedData, ShardOfAnotherDataSetOrNoneIsNoticed) {
  const TemporaryFolder folder;
  write_text(folder / "in", "text");
  write_text(folder / "other", "other text");
  prepare_split(options_for(folder, "in", "train"), nullptr);
  prepare_split(options_for(folder, "other", "test"), nullptr);
  const PreparedData data(folder / "out");
  std::filesystem::copy_file(folder / "out/test/shard-00000.brt",
                             folder / "out/train/shard-00000.brt",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(contains(message_of<DataError>([&] { data.open_split("train"); }),
                       "train/shard-00000.brt: "));
  std::filesystem::remove(folder / "out/train/shard-00000.brt");
  EXPECT_TRUE(contains(message_of<DataError>([&] { data.open_split("train"); }),
                       "shard-00000.brt: the shard is missing"));
}

TEST(PreparedData, ALargeShardThatIsWrittenOverWhileItIsReadIsNoticed) {
  const TemporaryFolder folder;
  const size_t bytes = kLargestReadFile;  // two bytes a token
  write_text(folder / "in", std::string(bytes, 'a'));
  prepare_split(options_for(folder, "in"), nullptr);
  const PreparedSplit split = PreparedData(folder / "out").open_split("train");
  std::vector<int32_t> tokens(10);
  split.read(0, 0, tokens);
  ::usleep(20000);  // the disk's clock ticks in steps
  std::fstream(folder / "out/train/shard-00000.brt", std::ios::in | std::ios::out).seekp(100)
      << "b";
  EXPECT_TRUE(contains(message_of<DataError>([&] { split.read(0, 0, tokens); }),
                       "train/shard-00000.brt: was written over while it was being read"));
}

TEST(PreparedData, ALargeShardThatIsReplacedWhileItIsReadIsReadOn) {
  const TemporaryFolder folder;
  write_text(folder / "in", std::string(kLargestReadFile, 'a'));
  write_text(folder / "new", "new");
  prepare_split(options_for(folder, "in"), nullptr);
  const PreparedSplit split = PreparedData(folder / "out").open_split("train");
  prepare_split(options_for(folder, "new"), nullptr);
  std::vector<int32_t> tokens(10);
  split.read(0, static_cast<int64_t>(kLargestReadFile) - 10, tokens);
  EXPECT_EQ(tokens, std::vector<int32_t>(10, 'a'));
}

/// Peak of resident memory in bytes since the last reset_peak().
int64_t peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmHWM:") {
      int64_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
  }
  return -1;
}

bool reset_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return static_cast<bool>(file);
}

TEST(Prepare, MemoryDoesNotGrowWithTheInput) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps freed memory";
#endif
  const TemporaryFolder folder;
  {
    std::ofstream file(folder / "in");
    const std::string line =
        "The quick brown fox jumps over the lazy dog, again and again and so.\n";
    for (int i = 0; i < 900000; ++i) {
      file << line;
    }
  }
  PrepareOptions options = options_for(folder, "in");
  if (!reset_peak()) {
    GTEST_SKIP() << "the peak of memory cannot be reset here";
  }
  const int64_t before = peak_memory();
  const PrepareProgress progress = prepare_split(options, nullptr);
  EXPECT_GT(progress.bytes, 60000000);
  EXPECT_LT(peak_memory() - before, 12 << 20);
  RecordProperty("growth_bytes", std::to_string(peak_memory() - before));
}

}  // namespace
}  // namespace brt
