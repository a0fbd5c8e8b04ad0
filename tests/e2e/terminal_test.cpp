// SPDX-License-Identifier: Apache-2.0
// What reaches a terminal: no command that a file smuggled in, whole figures, a line's end.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/run_fixtures.h"

namespace brt {
namespace {

/// A terminal of some width, without anyone at it.
class Terminal {
 public:
  explicit Terminal(unsigned short columns)
      : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_GE(master_, 0);
    EXPECT_EQ(::grantpt(master_), 0);
    EXPECT_EQ(::unlockpt(master_), 0);
    path_ = ::ptsname(master_);
    const winsize size = {.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    slave_ = ::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // keeps what was written
    EXPECT_EQ(::ioctl(slave_, TIOCSWINSZ, &size), 0);
  }
  ~Terminal() {
    ::close(slave_);
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// What was written to it so far.
  std::string text() const {
    std::string text;
    pollfd waiting = {.fd = master_, .events = POLLIN, .revents = 0};
    while (::poll(&waiting, 1, 100) > 0) {
      char buffer[4096];
      const ssize_t size = ::read(master_, buffer, sizeof buffer);
      if (size <= 0) {
        break;
      }
      text.append(buffer, static_cast<size_t>(size));
    }
    return text;
  }

 private:
  int master_;
  int slave_ = -1;
  std::filesystem::path path_;
};

class AtTheTerminal : public TrainedRun {};

/// Whether no byte of a text is a command to a terminal.
testing::AssertionResult is_harmless(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if ((byte < 0x20 && byte != '\n') || byte == 0x7F || is_c1) {
      return testing::AssertionFailure()
             << "byte " << i << " is " << int{byte} << " in " << testing::PrintToString(text);
    }
  }
  return testing::AssertionSuccess();
}

constexpr const char* kEscape =
    "\x1b]0;owned\x07\x1b[2J\xc2\x9b"
    "31m\x7f";
constexpr const char* kEscapeInJson = "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u007f";

TEST_F(AtTheTerminal, InspectShowsNamesAndMetadataEscaped) {
  const std::string escape = kEscapeInJson;
  const std::string header = R"({"__metadata__":{"note)" + escape + R"(":"value)" + escape +
                             R"("},"name)" + escape + R"(\n":{"dtype":"F32","shape":[1],)" +
                             R"("data_offsets":[0,4]}})";
  const uint64_t size = header.size();
  put_bytes(file("escape.safetensors"),
            std::string(reinterpret_cast<const char*>(&size), sizeof size) + header +
                std::string(4, '\0'));
  const ProgramResult result = run_->run({"inspect", "escape.safetensors"});
  EXPECT_EQ(result.code, 0) << result.messages;
  EXPECT_TRUE(is_harmless(result.output));
  EXPECT_TRUE(contains(result.output, "name\\x1b]0;owned\\x07\\x1b[2J\\xc2\\x9b31m\\x7f\\n"));
  EXPECT_TRUE(contains(result.output, "note\\x1b]0;"));
  EXPECT_TRUE(contains(result.output, "value\\x1b]0;"));
}

TEST_F(AtTheTerminal, InspectShowsTheTextOfAStateEscaped) {
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
  const int writer = ::open(file("pipe").c_str(), O_RDWR | O_CLOEXEC);
  const std::string text = std::string("one\nhalf ") + kEscape;
  ASSERT_EQ(::write(writer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  Process process({"score", "--model", "run", "--lines", "-", "--state-out", "half.state"},
                  {.folder = run_->folder(), .input = file("pipe"), .output = file("half.out")});
  for (int i = 0; i < 500 && bytes_of(file("half.out")).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  ::close(writer);
  const ProgramResult result = run_->run({"inspect", "half.state"});
  EXPECT_TRUE(is_harmless(result.output));
  EXPECT_TRUE(contains(result.output, "half \\x1b]0;owned"));
}

TEST_F(AtTheTerminal, NamesOfFilesAreShownEscapedInResultsErrorsAndTheLog) {
  const std::string name = std::string("name") + kEscape;
  const std::filesystem::path made = file(name + "-data");
  for (const Command& command : std::vector<Command>{
           {"prepare", "--input", "books/train", "--output", made.filename().string()},
           {"inspect", made.filename().string()},
           {"inspect", name},
           {"score", "--model", name, "recipe.toml"},
           {"prepare", "--input", name, "--output", "x"},
           {"train", "--config", "recipe.toml", "--run", name + "-run"},
           {"eval", "--model", name + "-run", "--data", "data", "--split", "validation"},
           {"report", "--run", name + "-run", "--output", name + ".html"},
           {"generate", "--model", "run", "--prompt", "a", "--tokens", "1", "--" + name},
           {"compress", "--model", name + "-run", "recipe.toml", "-o", name + ".brt"},
           {"inspect", name + ".brt"},
           {name}}) {
    const ProgramResult result = run_->run(command);
    EXPECT_TRUE(is_harmless(result.output)) << command.front();
    EXPECT_TRUE(is_harmless(result.messages)) << command.front();
  }
  run_->must_run(
      {"generate", "--model", "run", "--prompt", "ab", "--tokens", "2", "--state-out", "a.state"});
  const ProgramResult forked = run_->run({"state", "fork", "a.state", name + ".state"});
  EXPECT_TRUE(is_harmless(forked.output));
  EXPECT_TRUE(starts_with(forked.output, "name\\x1b]0;owned"));
}

TEST_F(AtTheTerminal, ATextEndsItsLineThereAndOnlyThere) {
  const Command generate = {"generate", "--model", "run",          "--prompt", "ab",
                            "--tokens", "12",      "--logit-bias", "256=-inf"};
  const std::string text = run_->must_run(generate).output;
  EXPECT_EQ(text.size(), 12U);
  Terminal terminal(80);
  EXPECT_EQ(run_->run(generate, {.output = terminal.path()}).code, 0);
  const std::string shown = terminal.text();
  EXPECT_TRUE(shown.ends_with("\r\n"));  // the terminal puts the return there
  Command one_line = generate;
  for (const char* word : {"--logit-bias", "10=1e6"}) {
    one_line.emplace_back(word);  // ends its lines by itself
  }
  EXPECT_EQ(run_->run(one_line, {.output = terminal.path()}).code, 0);
  std::string twelve_lines;
  for (int i = 0; i < 12; ++i) {
    twelve_lines += "\r\n";
  }
  EXPECT_EQ(terminal.text(), twelve_lines);
}

TEST_F(AtTheTerminal, AProgressBarDropsWholeFiguresToFit) {
  for (const unsigned short columns : std::vector<unsigned short>{200, 100, 80, 60, 30}) {
    Terminal terminal(columns);
    const std::string run = "bar" + std::to_string(columns);
    Process process({"train", "--config", "recipe.toml", "--run", run},
                    {.folder = run_->folder(), .messages = terminal.path()});
    EXPECT_EQ(process.wait(), 0);
    const std::string shown = terminal.text();
    const size_t last = shown.rfind("\rtraining");
    ASSERT_NE(last, std::string::npos) << shown;
    const std::string line = shown.substr(last + 1, shown.find('\x1b', last) - last - 1);
    EXPECT_LT(line.size(), columns);
    EXPECT_TRUE(starts_with(line, "training 100%"));
    EXPECT_TRUE(contains(line, "took 0:"));
    EXPECT_EQ(line.find("[####") != std::string::npos, columns == 200) << line;
    // The first figure longest, each whole or not at all.
    EXPECT_EQ(line.find(" bits/token") != std::string::npos, columns >= 60) << line;
    EXPECT_EQ(line.find(" tokens/s") != std::string::npos, columns >= 100) << line;
    EXPECT_TRUE(line.ends_with("bits/token") || line.ends_with("bits/byte") ||
                line.ends_with("tokens/s") || columns == 30)
        << line;
  }
}

}  // namespace
}  // namespace brt
