// SPDX-License-Identifier: Apache-2.0
// brt score --lines on lines of any length, however a pipe delivers them, and unfinished ones.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "support/run_fixtures.h"

namespace brt {
namespace {

using nlohmann::json;

class LongLines : public TrainedRun {
 protected:
  /// The output of a command whose standard input is a pipe that delivers `parts`, with a pause
  /// after each.
  static std::string output_of_pipe(const Command& command, const std::vector<std::string>& parts) {
    std::filesystem::remove(file("pipe"));
    std::filesystem::remove(file("pipe.out"));
    EXPECT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
    Process process(command,
                    {.folder = run_->folder(), .input = file("pipe"), .output = file("pipe.out")});
    const int writer = ::open(file("pipe").c_str(), O_WRONLY | O_CLOEXEC);
    for (const std::string& part : parts) {
      for (size_t done = 0; done < part.size();) {
        const ssize_t more = ::write(writer, part.data() + done, part.size() - done);
        if (more <= 0) {
          ADD_FAILURE() << "the pipe is broken";
          break;
        }
        done += static_cast<size_t>(more);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    ::close(writer);
    EXPECT_EQ(process.wait(), 0);
    return bytes_of(file("pipe.out"));
  }
};

const Command kLines = {"score", "--model", "run", "--threads", "1", "--lines", "--json"};

std::vector<json> objects_of(const std::string& output) {
  std::vector<json> objects;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    objects.push_back(json::parse(line));
  }
  return objects;
}

TEST_F(LongLines, ALineIsALineHoweverLongAndHoweverItComes) {
  const std::string z(400000, 'z');
  const std::string text = "a\n" + z + "\nlast\n";
  put_bytes(file("l"), text);
  const std::string whole = output_of(kLines + Command{"l"});
  const std::vector<json> lines = objects_of(whole);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1]["line"], 1);
  EXPECT_EQ(lines[1]["byte_offset"], 2);
  EXPECT_EQ(lines[1]["tokens"], 400001);
  EXPECT_EQ(lines[1]["text"], std::string(1 << 16, 'z'));
  EXPECT_EQ(lines[1]["cut"], true);
  EXPECT_FALSE(lines[0].contains("cut"));
  EXPECT_EQ(lines[2]["text"], "last");
  EXPECT_EQ(lines[2]["byte_offset"], 400003);
  EXPECT_EQ(lines[3]["bytes"], text.size());
  EXPECT_EQ(output_of_pipe(kLines + Command{"-"}, {text}), whole);
  EXPECT_EQ(
      output_of_pipe(kLines + Command{"-"}, {text.substr(0, 1), text.substr(1, 70000),
                                             text.substr(70001, 200001), text.substr(270002)}),
      whole);
}

TEST_F(LongLines, TheCutComesBetweenCharactersAndIsShown) {
  std::string line = "x";
  while (line.size() < 70000) {
    line += "\xc3\xab";
  }
  put_bytes(file("umlauts"), line + "\n");
  const std::string shown =
      objects_of(output_of(kLines + Command{"umlauts"}))[0]["text"].get<std::string>();
  EXPECT_EQ(shown, line.substr(0, (1 << 16) - 1));
  const std::string text =
      output_of({"score", "--model", "run", "--threads", "1", "--lines", "umlauts"});
  EXPECT_TRUE(text.substr(0, text.find('\n')).ends_with("\xab..."));
  // A line of just the length that is shown is whole.
  put_bytes(file("full"), std::string((1 << 16) - 1, 'y') + "\n");
  EXPECT_FALSE(objects_of(output_of(kLines + Command{"full"}))[0].contains("cut"));
}

TEST_F(LongLines, AnUnfinishedLineIsReadByGenerateToo) {
  const std::filesystem::path pipe = file("unfinished");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  const std::string begun = "line one\nunfinished half";
  ASSERT_EQ(::write(writer, begun.data(), begun.size()), static_cast<ssize_t>(begun.size()));
  Process process(kLines + Command{"-", "--state-out", "unfinished.state"},
                  {.folder = run_->folder(), .input = pipe, .output = file("unfinished.out")});
  for (int i = 0; i < 500 && bytes_of(file("unfinished.out")).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  ::close(writer);
  // What waits is of the next call: this one counts neither its bytes nor its words.
  const json summary = objects_of(bytes_of(file("unfinished.out"))).back();
  EXPECT_EQ(summary["bytes"], 9);
  EXPECT_EQ(summary["words"], 2);
  const json state = json::parse(output_of({"inspect", "unfinished.state", "--json"}));
  EXPECT_EQ(state["bytes_read"], begun.size());
  EXPECT_EQ(state["pending_text"], "unfinished half");
  const Command generate = {"generate", "--model", "run", "--threads", "1", "--tokens", "30"};
  EXPECT_EQ(output_of(generate + Command{"--state-in", "unfinished.state", "--prompt", " more",
                                         "--state-out", "more.state"}),
            output_of(generate + Command{"--prompt", begun + " more", "--state-out", "all.state"}));
  EXPECT_EQ(json::parse(output_of({"inspect", "more.state", "--json"}))["bytes_read"],
            json::parse(output_of({"inspect", "all.state", "--json"}))["bytes_read"]);
}

TEST_F(LongLines, WithoutAStateASignalScoresTheUnfinishedLine) {
  const std::filesystem::path pipe = file("stateless");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::write(writer, "one\ntwo three", 13), 13);
  Process process(kLines + Command{"-"},
                  {.folder = run_->folder(), .input = pipe, .output = file("stateless.out")});
  for (int i = 0; i < 500 && bytes_of(file("stateless.out")).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  ::close(writer);
  const std::vector<json> lines = objects_of(bytes_of(file("stateless.out")));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1]["text"], "two three");
  EXPECT_EQ(lines[2]["bytes"], 13);
  EXPECT_EQ(lines[2]["words"], 3);
}

TEST_F(LongLines, OffsetsAreOfTheTextWithATokenizerThatAddsASpace) {
  put_bytes(file("prose"), words(20000, 3));
  output_of({"tokenizer", "train", "--input", "prose", "--vocab", "300", "--output", "t.model"});
  // add_dummy_prefix and remove_extra_whitespaces on, as SentencePiece's own defaults have them.
  put_bytes(file("lossy.model"),
            bytes_of(file("t.model")) + std::string("\x1a\x04\x18\x01\x20\x01", 6));
  for (const char* split : {"train", "validation"}) {
    output_of({"prepare", "--input", std::string("books/") + split, "--output", "lossy", "--split",
               split, "--tokenizer", "lossy.model"});
  }
  output_of({"train", "--config", "recipe.toml", "--run", "lossyrun", "--set", "data.path=lossy"});
  const std::string text = "first line\n  two  spaces \n\n   \nend of it";
  put_bytes(file("spaced"), text);
  const std::vector<json> lines =
      objects_of(output_of({"score", "--model", "lossyrun", "--lines", "--json", "spaced",
                            "--state-out", "spaced.state"}));
  ASSERT_EQ(lines.size(), 6U);
  size_t begin = 0;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(lines[i]["byte_offset"], begin);
    begin = text.find('\n', begin) + 1;
  }
  EXPECT_EQ(lines[5]["bytes"], text.size());
  EXPECT_EQ(json::parse(output_of({"inspect", "spaced.state", "--json"}))["bytes_read"],
            text.size());
  for (const json& token :
       objects_of(output_of({"score", "--model", "lossyrun", "--json", "spaced"}))) {
    if (token.contains("text") && !token["text"].get<std::string>().empty()) {
      const std::string shown = token["text"].get<std::string>();
      const std::string letters = shown.substr(shown.starts_with(' ') ? 1 : 0);
      const size_t offset = token["byte_offset"].get<size_t>();
      EXPECT_LE(text.find(letters, offset), offset + 2) << token;  // a dropped space before it
    }
  }
}

}  // namespace
}  // namespace brt
