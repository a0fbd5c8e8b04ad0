// SPDX-License-Identifier: Apache-2.0
// Signals and readers that go away: what was under way is saved, and goes on as if nothing had
// been.
#include <chrono>
#include <csignal>
#include <filesystem>
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

/// Waits until a file has so many bytes; false after twenty seconds.
bool wait_for_bytes(const std::filesystem::path& path, size_t bytes) {
  for (int i = 0; i < 1000; ++i) {
    if (bytes_of(path).size() >= bytes) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

/// Both ends of a pipe, as paths for a process.
class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(::pipe(ends_), 0);
    ::fcntl(ends_[0], F_SETFD, FD_CLOEXEC);
    ::fcntl(ends_[1], F_SETFD, FD_CLOEXEC);
  }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::filesystem::path writer() const { return "/proc/self/fd/" + std::to_string(ends_[1]); }
  void read_some() const {
    char byte = 0;
    EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
  }
  void close_reader() {
    if (ends_[0] >= 0) {
      ::close(ends_[0]);
      ends_[0] = -1;
    }
  }

 private:
  int ends_[2] = {-1, -1};
};

class Interrupted : public TrainedRun {};

// The document's end is banned: the text never ends by itself.
const Command kGenerate = {"generate",     "--model",  "run",           "--threads", "1",
                           "--logit-bias", "256=-inf", "--temperature", "0.7"};
const Command kScore = {"score", "--model", "run", "--threads", "1"};

TEST_F(Interrupted, TextGeneratedInTwoCallsIsThatOfOneWhicheverSignalCameBetween) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const std::string name = "text" + std::to_string(number);
    Process process(kGenerate + Command{"--prompt", "the sea", "--tokens", "100000000",
                                        "--state-out", name + ".state"},
                    {.folder = run_->folder(), .output = file(name)});
    ASSERT_TRUE(wait_for_bytes(file(name), 500));
    process.signal(number);
    EXPECT_EQ(process.wait(), 128 + number);
    const std::string text = bytes_of(file(name));
    EXPECT_EQ(inspect(name + ".state")["tokens_read"], 7 + text.size());
    EXPECT_EQ(inspect(name + ".state")["bytes_read"], 7 + text.size());
    const std::string rest =
        output_of(kGenerate + Command{"--state-in", name + ".state", "--tokens", "100"});
    EXPECT_EQ(text + rest, output_of(kGenerate + Command{"--prompt", "the sea", "--tokens",
                                                         std::to_string(text.size() + 100)}));
  }
}

TEST_F(Interrupted, JsonSaysThatATextWasInterrupted) {
  const std::filesystem::path pipe = file("json.prompt");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Process process(kGenerate + Command{"--prompt-file", pipe.string(), "--tokens", "100000000",
                                      "--json", "--state-out", "json.state"},
                  {.folder = run_->folder(), .output = file("json")});
  const int writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);  // waits until it is read
  ASSERT_EQ(::write(writer, "the sea", 7), 7);
  ::close(writer);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  const std::string output = bytes_of(file("json"));
  if (output.empty()) {  // a busy machine: it had not read the prompt
    EXPECT_EQ(inspect("json.state")["bytes_read"], 7);
  } else {
    const json object = json::parse(output);
    EXPECT_EQ(object["finish"], "interrupted");
    EXPECT_EQ(inspect("json.state")["tokens_read"], 7 + object["tokens"].get<int64_t>());
  }
}

TEST_F(Interrupted, APromptThatIsStillComingWaitsInTheState) {
  const std::filesystem::path pipe = file("prompt");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::write(writer, "the s", 5), 5);
  Process process(kGenerate + Command{"--prompt-file", "-", "--echo", "--tokens", "9",
                                      "--state-out", "prompt.state"},
                  {.folder = run_->folder(), .input = pipe, .output = file("echo")});
  ASSERT_TRUE(wait_for_bytes(file("echo"), 5));
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  ::close(writer);
  EXPECT_EQ(inspect("prompt.state")["pending_text"], "the s");
  EXPECT_EQ(inspect("prompt.state")["bytes_read"], 5);
  EXPECT_EQ(output_of(kGenerate +
                      Command{"--state-in", "prompt.state", "--prompt", "ea", "--tokens", "40"}),
            output_of(kGenerate + Command{"--prompt", "the sea", "--tokens", "40"}));
}

TEST_F(Interrupted, AReaderOfTheTextThatGoesAwayEndsItQuietlyWithItsStateSaved) {
  Pipe pipe;
  Process process(
      kGenerate +
          Command{"--prompt", "the sea", "--tokens", "100000000", "--state-out", "pipe.state"},
      {.folder = run_->folder(), .output = pipe.writer(), .messages = file("pipe.log")});
  pipe.read_some();
  pipe.close_reader();
  EXPECT_EQ(process.wait(), -SIGPIPE);
  EXPECT_EQ(bytes_of(file("pipe.log")), "");
  const int64_t tokens = inspect("pipe.state")["tokens_read"].get<int64_t>();
  EXPECT_GT(tokens, 7);
  output_of(kGenerate + Command{"--prompt", "the sea", "--tokens", std::to_string(tokens - 7),
                                "--state-out", "whole.state"});
  EXPECT_EQ(run_->run({"state", "diff", "pipe.state", "whole.state"}).output, "");
}

TEST_F(Interrupted, AReaderOfScoresThatGoesAwayEndsThemQuietlyWithTheirStateSaved) {
  const std::filesystem::path pipe = file("scored");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::write(writer, "one\n", 4), 4);
  Pipe output;
  Process process(kScore + Command{"-", "--lines", "--state-out", "scored.state"},
                  {.folder = run_->folder(),
                   .input = pipe,
                   .output = output.writer(),
                   .messages = file("scored.log")});
  output.read_some();
  output.close_reader();
  ASSERT_EQ(::write(writer, "two\nthr", 7), 7);
  EXPECT_EQ(process.wait(), -SIGPIPE);
  ::close(writer);
  EXPECT_EQ(bytes_of(file("scored.log")), "");
  const json state = inspect("scored.state");
  EXPECT_EQ(state["lines_read"], 2);
  EXPECT_EQ(state["pending_text"], "thr");
}

TEST_F(Interrupted, AHangUpStopsScoresAsATerminationDoes) {
  const std::filesystem::path pipe = file("hung");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::write(writer, "one\nhalf", 8), 8);
  Process process(kScore + Command{"-", "--lines", "--state-out", "hung.state"},
                  {.folder = run_->folder(), .input = pipe, .output = file("hung.out")});
  ASSERT_TRUE(wait_for_bytes(file("hung.out"), 5));
  process.signal(SIGHUP);
  EXPECT_EQ(process.wait(), 128 + SIGHUP);
  ::close(writer);
  EXPECT_TRUE(
      contains(bytes_of(file("hung.out")), "summary: 3 tokens predicted, 4 bytes, 1 words"));
  EXPECT_EQ(inspect("hung.state")["bytes_read"], 8);
}

TEST_F(Interrupted, AHangUpThatWasIgnoredAtTheStartStaysSo) {
  ::signal(SIGHUP, SIG_IGN);  // as nohup does; processes inherit it
  Process process(
      kGenerate + Command{"--prompt", "the sea", "--tokens", "5000", "--state-out", "nohup.state"},
      {.folder = run_->folder(), .output = file("nohup")});
  ::signal(SIGHUP, SIG_DFL);
  ASSERT_TRUE(wait_for_bytes(file("nohup"), 1));
  process.signal(SIGHUP);
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(inspect("nohup.state")["tokens_read"], 5007);
}

TEST_F(Interrupted, AHangUpLeavesTrainingACheckpoint) {
  Process process(
      {"train", "--config", "recipe.toml", "--run", "hungup", "--set", "train.steps=100000",
       "--set", "train.checkpoint_every=0", "--set", "evaluation.every=0"},
      {.folder = run_->folder(), .messages = file("hungup.log")});
  ASSERT_TRUE(wait_for_bytes(file("hungup/metrics.jsonl"), 1));
  process.signal(SIGHUP);
  EXPECT_EQ(process.wait(), 128 + SIGHUP);
  EXPECT_TRUE(contains(bytes_of(file("hungup.log")), "stopped after step"));
  EXPECT_EQ(inspect("hungup")["checkpoints"].size(), 1U);
}

TEST_F(Interrupted, TrainingGoesOnWithoutAReaderOfItsLog) {
  Pipe log;
  log.close_reader();
  Process process({"train", "--config", "recipe.toml", "--run", "unread"},
                  {.folder = run_->folder(), .messages = log.writer()});
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(bytes_of(file("unread/checkpoints/step-00000004/model.safetensors")),
            bytes_of(file("run/checkpoints/step-00000004/model.safetensors")));
}

TEST_F(Interrupted, ALongLineScoredInTwoCallsIsThatOfOne) {
  std::string text;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    text += words(30000, seed);
  }
  put_bytes(file("book"), text);
  const std::filesystem::path pipe = file("book.pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Process process(kScore + Command{"-", "--state-out", "book.state", "--lines"},
                  {.folder = run_->folder(), .input = pipe, .output = file("book.first")});
  const int writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
  const size_t half = 140000;  // within a line that has no end, a piece of it scored
  for (size_t done = 0; done < half;) {
    const ssize_t more = ::write(writer, text.data() + done, half - done);
    ASSERT_GT(more, 0);
    done += static_cast<size_t>(more);
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  ::close(writer);
  const size_t read = inspect("book.state")["bytes_read"].get<size_t>();
  EXPECT_LE(read, half);
  put_bytes(file("book.rest"), text.substr(read));
  const std::string rest =
      output_of(kScore + Command{"book.rest", "--lines", "--json", "--state-in", "book.state"});
  const std::string whole = output_of(kScore + Command{"book", "--lines", "--json"});
  EXPECT_EQ(rest.substr(0, rest.find('\n')), whole.substr(0, whole.find('\n')));
  EXPECT_TRUE(contains(whole, "\"cut\":true"));
}

}  // namespace
}  // namespace brt
