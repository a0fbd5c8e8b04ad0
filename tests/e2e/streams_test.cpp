// SPDX-License-Identifier: Apache-2.0
// The verbs on endless streams: scoring live input, states, samples, compression.
#include <algorithm>
#include <chrono>
#include <cmath>
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

class Streams : public TrainedRun {};

const Command kGenerate = {"generate", "--model", "run", "--prompt", "the sea", "--tokens", "40"};
const Command kScore = {"score", "--model", "run"};
const Command kCompress = {"compress", "--model", "run", "--threads", "1"};
const Command kDecompress = {"decompress", "--model", "run", "--threads", "1"};

TEST_F(Streams, EverySampleIsTheTextOfItsSeed) {
  const json all =
      json::parse(output_of(kGenerate + Command{"--samples", "3", "--seed", "5", "--json"}));
  ASSERT_EQ(all["samples"].size(), 3U);
  std::string text;
  for (size_t i = 0; i < 3; ++i) {
    const json& sample = all["samples"][i];
    const std::string seed = std::to_string(5 + i);
    EXPECT_EQ(sample["seed"], 5 + i);
    const json alone = json::parse(output_of(kGenerate + Command{"--seed", seed, "--json"}));
    for (const char* key : {"text", "tokens", "finish", "seed"}) {
      EXPECT_EQ(sample[key], alone[key]) << key;
    }
  }
  EXPECT_TRUE(starts_with(output_of(kGenerate + Command{"--samples", "2", "--seed", "5"}),
                          "=== sample 1, seed 5\n"));
}

TEST_F(Streams, ALogitBiasForcesAndBansTokens) {
  EXPECT_EQ(output_of(kGenerate + Command{"--logit-bias", "65=1e6"}), std::string(40, 'A'));
  const std::string text =
      output_of(kGenerate + Command{"--logit-bias", "65=1000", "--logit-bias", "66=999",
                                    "--logit-bias", "65=-inf", "--temperature", "0"});
  EXPECT_EQ(text, std::string(40, 'B'));
}

TEST_F(Streams, EveryWeightFormatGoesOnFromItsStates) {
  for (const std::string weights : {"fp32", "bf16", "int8"}) {
    const Command format = {"--weights", weights, "--threads", "2"};
    const std::string whole = output_of(kGenerate + format);
    output_of(Command{"generate", "--model", "run", "--prompt", "the sea", "--tokens", "0",
                      "--state-out", "w.state"} +
              format);
    EXPECT_EQ(output_of(Command{"generate", "--model", "run", "--tokens", "40", "--state-in",
                                "w.state", "--threads", "1", "--weights", weights}),
              whole)
        << weights;
  }
}

TEST_F(Streams, AStateBringsItsSamplingFlagsAndGivenOnesReplaceThem) {
  const Command greedy = {"--temperature", "0"};
  output_of(Command{"generate", "--model", "run", "--prompt", "the sea", "--tokens", "0",
                    "--state-out", "greedy.state"} +
            greedy);
  const Command resume = {"generate", "--model",    "run",         "--tokens",
                          "40",       "--state-in", "greedy.state"};
  EXPECT_EQ(output_of(resume), output_of(kGenerate + greedy));
  EXPECT_EQ(output_of(resume + Command{"--temperature", "1"}), output_of(kGenerate));
}

TEST_F(Streams, StatesAreForkedAndCompared) {
  output_of(kGenerate + Command{"--logit-bias", "256=-inf", "--state-out", "a.state"});
  EXPECT_EQ(run_->run({"state", "diff", "a.state", "a.state"}).code, 0);
  output_of({"state", "fork", "a.state", "b.state", "--seed", "9"});
  const ProgramResult seeds = run_->run({"state", "diff", "a.state", "b.state"});
  EXPECT_EQ(seeds.code, 1);
  EXPECT_EQ(seeds.output, "seed: 1 / 9\n");
  EXPECT_TRUE(starts_with(output_of({"state", "fork", "a.state", "c.state"}), "c.state: seed "));
  output_of({"generate", "--model", "run", "--state-in", "a.state", "--tokens", "1", "--state-out",
             "d.state"});
  const json differences =
      json::parse(run_->run({"state", "diff", "a.state", "d.state", "--json"}).output);
  EXPECT_EQ(differences["equal"], false);
  EXPECT_EQ(differences["fields"]["tokens_read"], (json{47, 48}));
  bool has_logits = false;
  for (const json& part : differences["parts"]) {
    has_logits = has_logits || part["name"] == "logits";
    EXPECT_TRUE(std::isfinite(part["largest"].get<double>()));
  }
  EXPECT_TRUE(has_logits);
  const json inspected = json::parse(output_of({"inspect", "b.state", "--json"}));
  EXPECT_EQ(inspected["kind"], "state");
  EXPECT_EQ(inspected["tokens_read"], 47);
  EXPECT_EQ(inspected["sampler"]["seed"], 9);
  EXPECT_EQ(inspected["weights"], "bf16");
}

TEST_F(Streams, LinesSumToTheBitsOfTheirTokens) {
  double bits = 0.0;
  int64_t lines = 0;
  std::istringstream output(output_of(kScore + Command{"recipe.toml", "--lines", "--json"}));
  json last;
  for (std::string line; std::getline(output, line);) {
    last = json::parse(line);
    if (!last.contains("summary")) {
      EXPECT_EQ(last["line"], lines++);
      bits += last["bits"].get<double>();
    }
  }
  const std::string text = bytes_of(file("recipe.toml"));
  EXPECT_EQ(lines, std::ranges::count(text, '\n'));
  // The summary counts the document's end too, which belongs to no line.
  const double total = last["nats"].get<double>() / std::log(2.0);
  EXPECT_LT(bits, total);
  EXPECT_GT(bits, total - 30.0);
}

TEST_F(Streams, AScoreInTwoCallsIsThatOfTheWhole) {
  const std::string text = bytes_of(file("recipe.toml"));
  const size_t half = text.find('\n', text.size() / 2) + 1;
  put_bytes(file("first.txt"), text.substr(0, half));
  put_bytes(file("second.txt"), text.substr(half));
  const auto token_lines = [](const std::string& output) {
    return output.substr(0, output.find("summary:"));
  };
  const std::string first =
      token_lines(output_of(kScore + Command{"first.txt", "--state-out", "half.state"}));
  const std::string second =
      token_lines(output_of(kScore + Command{"second.txt", "--state-in", "half.state"}));
  EXPECT_EQ(first + second, token_lines(output_of(kScore + Command{"recipe.toml"})));
}

/// Waits until a file holds a text; false after ten seconds.
bool wait_for(const std::filesystem::path& path, const std::string& text) {
  for (int i = 0; i < 500; ++i) {
    if (bytes_of(path).find(text) != std::string::npos) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

TEST_F(Streams, LiveLinesAreScoredAsTheyComeAndKeptOverASignal) {
  const std::filesystem::path pipe = file("live");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);  // does not wait for a reader
  const std::string begun = "first line\nsecond line\nhalf of the ";
  ASSERT_EQ(::write(writer, begun.data(), begun.size()), static_cast<ssize_t>(begun.size()));
  Process process(kScore + Command{"-", "--lines", "--state-out", "live.state"},
                  {.folder = run_->folder(), .input = pipe, .output = file("live.out")});
  EXPECT_TRUE(wait_for(file("live.out"), "second line\n"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  ::close(writer);
  put_bytes(file("rest.txt"), "third\nfourth\n");
  put_bytes(file("whole.txt"), begun + "third\nfourth\n");
  const auto log_lines = [](const std::string& output) {
    return output.substr(0, output.find("summary:"));
  };
  const std::string rest = output_of(kScore + Command{"rest.txt", "--lines", "--state-in",
                                                      "live.state", "--state-out", "x.state"});
  EXPECT_TRUE(contains(rest, "half of the third\n"));
  EXPECT_EQ(log_lines(bytes_of(file("live.out"))) + log_lines(rest),
            log_lines(output_of(kScore + Command{"whole.txt", "--lines"})));
}

TEST_F(Streams, AKilledScoreGoesOnFromTheLastStateItSaved) {
  const std::filesystem::path pipe = file("killed");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  std::string text;
  for (int line = 0; line < 40; ++line) {
    text += words(30, static_cast<uint64_t>(line)) + "\n";
  }
  const std::string begun = text.substr(0, 700);
  ASSERT_EQ(::write(writer, begun.data(), begun.size()), static_cast<ssize_t>(begun.size()));
  Process process(
      kScore + Command{"-", "--lines", "--state-out", "killed.state", "--save-every", "100"},
      {.folder = run_->folder(), .input = pipe, .output = file("killed.out")});
  const size_t last_line = begun.rfind('\n', begun.rfind('\n') - 1) + 1;
  EXPECT_TRUE(wait_for(file("killed.out"), begun.substr(last_line, begun.rfind('\n') - last_line)));
  process.signal(SIGKILL);
  EXPECT_EQ(process.wait(), -SIGKILL);
  ::close(writer);

  const json state = json::parse(output_of({"inspect", "killed.state", "--json"}));
  const size_t read = state["bytes_read"].get<size_t>();
  EXPECT_GT(read + 100 + 40, begun.rfind('\n'));  // at most that many tokens, to a line's end
  EXPECT_EQ(text[read - 1], '\n');
  EXPECT_EQ(state["pending_text"], "");
  put_bytes(file("killed.rest"), text.substr(read));
  put_bytes(file("killed.txt"), text);
  const std::string whole = output_of(kScore + Command{"killed.txt", "--lines"});
  const std::string rest =
      output_of(kScore + Command{"killed.rest", "--lines", "--state-in", "killed.state"});
  const std::string rest_lines = rest.substr(0, rest.find("summary:"));
  EXPECT_FALSE(rest_lines.empty());
  EXPECT_TRUE(whole.substr(0, whole.find("summary:")).ends_with(rest_lines));
}

TEST_F(Streams, SavingWithinAFileChangesNoNumber) {
  std::string text;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    text += words(40000, seed);
  }
  put_bytes(file("long.txt"), text);
  const std::string plain = output_of(kScore + Command{"long.txt"});
  output_of(kScore + Command{"long.txt", "--state-out", "plain.state"});
  const std::string saved =
      output_of(kScore + Command{"long.txt", "--state-out", "saved.state", "--save-every", "1000"});
  EXPECT_EQ(saved.substr(0, saved.find("summary:")), plain.substr(0, saved.find("summary:")));
  EXPECT_EQ(run_->run({"state", "diff", "plain.state", "saved.state"}).code, 0);
}

TEST_F(Streams, LiveTextIsScoredWhereItPauses) {
  const std::filesystem::path pipe = file("paused");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::write(writer, "abc\ndef", 7), 7);
  Process process(kScore + Command{"-", "--state-out", "paused.state"},
                  {.folder = run_->folder(), .input = pipe, .output = file("paused.out")});
  EXPECT_TRUE(wait_for(file("paused.out"), "\\n\t3\t"));
  EXPECT_FALSE(contains(bytes_of(file("paused.out")), "\td\t"));  // half a line waits
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  EXPECT_TRUE(contains(bytes_of(file("paused.out")), "summary: 3 tokens"));
  ::close(writer);
  put_bytes(file("paused.rest"), "ghi\n");
  put_bytes(file("paused.txt"), "abc\ndefghi\n");
  const std::string rest = output_of(kScore + Command{"paused.rest", "--state-in", "paused.state"});
  const std::string whole = output_of(kScore + Command{"paused.txt"});
  EXPECT_EQ(rest.substr(0, rest.find("summary:")),  // with the half line first
            whole.substr(whole.find("4\t"), whole.find("summary:") - whole.find("4\t")));
}

TEST_F(Streams, CompressedFilesComeBack) {
  std::string all_bytes;
  for (int i = 0; i < 1024; ++i) {
    all_bytes.push_back(static_cast<char>(i * 7));
  }
  const std::vector<std::pair<std::string, std::string>> cases = {{"", "bf16"},
                                                                  {"x", "int8"},
                                                                  {words(2000, 4), "bf16"},
                                                                  {all_bytes, "int8"},
                                                                  {all_bytes, "fp32"}};
  for (const auto& [text, weights] : cases) {
    put_bytes(file("text"), text);
    output_of(kCompress + Command{"text", "-o", "text.brt", "--weights", weights});
    output_of(kDecompress + Command{"text.brt", "-o", "text.back", "--weights", weights});
    EXPECT_EQ(bytes_of(file("text.back")), text) << weights;
  }
}

/// As on two processors of different kinds, of which one has the slow target only.
TEST_F(Streams, AFileComesBackUnderAnotherTarget) {
  const std::string text = words(3000, 9);
  put_bytes(file("text"), text);
  ::setenv("BRT_CPU_TARGET", "scalar", 1);
  const ProgramResult there = run_->run(kCompress + Command{"text", "-o", "there.brt"});
  ::unsetenv("BRT_CPU_TARGET");
  ASSERT_EQ(there.code, 0) << there.messages;
  EXPECT_TRUE(contains(there.messages, "CPU target scalar")) << there.messages;
  output_of(kCompress + Command{"text", "-o", "here.brt"});
  EXPECT_EQ(bytes_of(file("here.brt")), bytes_of(file("there.brt")));
  output_of(kDecompress + Command{"there.brt", "-o", "text.back"});
  EXPECT_EQ(bytes_of(file("text.back")), text);
}

TEST_F(Streams, AFileOfTheFastestArithmeticIsOfOneTarget) {
  put_bytes(file("text"), words(3000, 9));
  ::setenv("BRT_CPU_TARGET", "scalar", 1);
  output_of(kCompress + Command{"--fastest", "text", "-o", "there.brt"});
  output_of(kDecompress + Command{"there.brt", "-o", "text.back"});
  EXPECT_EQ(bytes_of(file("text.back")), bytes_of(file("text")));
  ::unsetenv("BRT_CPU_TARGET");
  const ProgramResult here = run_->run(kDecompress + Command{"there.brt", "-o", "none"});
  EXPECT_EQ(here.code, 1);
  EXPECT_TRUE(contains(here.messages, "the CPU target scalar")) << here.messages;
}

TEST_F(Streams, TheCompressedSizeIsTheScore) {
  const std::string text =
      output_of({"generate", "--model", "run", "--prompt", "the sea", "--tokens", "9000", "--top-p",
                 "0.5", "--logit-bias", "256=-inf", "--threads", "1"});
  ASSERT_EQ(text.size(), 9000U);
  put_bytes(file("text"), text);
  const json made = json::parse(output_of(kCompress + Command{"text", "-o", "text.brt", "--json"}));
  std::istringstream lines(output_of(kScore + Command{"text", "--json"}));
  json summary;
  for (std::string line; std::getline(lines, line);) {
    summary = json::parse(line);
  }
  const double expected = summary["nats"].get<double>() / std::log(2.0) / 8.0;
  EXPECT_NEAR(made["compressed_bytes"].get<double>(), expected + 50.0, 10.0 + expected * 1e-3);
  EXPECT_EQ(made["compressed_bytes"], std::filesystem::file_size(file("text.brt")));
  const json inspected = json::parse(output_of({"inspect", "text.brt", "--json"}));
  EXPECT_EQ(inspected["kind"], "compressed text");
  EXPECT_EQ(inspected["text_bytes"], 9000);
}

TEST_F(Streams, CompressionWorksInAPipe) {
  put_bytes(file("text"), words(500, 3));
  const ProgramResult compressed =
      run_->run(kCompress + Command{"-", "-o", "-"}, {.input = file("text")});
  ASSERT_EQ(compressed.code, 0) << compressed.messages;
  put_bytes(file("piped.brt"), compressed.output);
  const ProgramResult back =
      run_->run(kDecompress + Command{"-", "-o", "-"}, {.input = file("piped.brt")});
  ASSERT_EQ(back.code, 0) << back.messages;
  EXPECT_EQ(back.output, bytes_of(file("text")));
}

TEST_F(Streams, WhatDoesNotBelongTogetherIsRefused) {
  put_bytes(file("text"), words(300, 3));
  output_of(kCompress + Command{"text", "-o", "good.brt"});
  std::string damaged = bytes_of(file("good.brt"));
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 4);
  put_bytes(file("damaged.brt"), damaged);
  const auto refused = [&](const Command& command, int code, const std::string& message) {
    const ProgramResult result = run_->run(command);
    EXPECT_EQ(result.code, code) << command.front();
    EXPECT_TRUE(contains(result.messages, message));
  };
  refused(kDecompress + Command{"damaged.brt", "-o", "none"}, 1, "is damaged");
  EXPECT_FALSE(std::filesystem::exists(file("none")));
  refused({"inspect", "damaged.brt"}, 1, "is damaged");
  refused(kDecompress + Command{"text", "-o", "none"}, 1, "not a compressed file");
  refused(kDecompress + Command{"good.brt", "-o", "none", "--weights", "int8"}, 1,
          "hint: give --weights bf16");
  refused({"decompress", "--model", "run/checkpoints/step-00000002", "good.brt", "-o", "none"}, 1,
          "belongs to another model");
  refused(kCompress + Command{"text"}, 2, "--output is required");
  refused(kCompress + Command{"text", "-o", "-", "--json"}, 2, "--json and the file");
  refused(kScore + Command{"text", "--save-every", "9"}, 2, "--save-every requires --state-out");
  refused(kGenerate + Command{"--samples", "2", "--state-out", "s"}, 2, "brt state fork");
  refused(kGenerate + Command{"--logit-bias", "a=1"}, 2, "--logit-bias must be TOKEN=BIAS");
  refused(kGenerate + Command{"--logit-bias", "300=1"}, 2, "tokens are below 257");
  refused({"state", "frok", "a", "b"}, 2, "did you mean \"fork\"?");
  refused({"state", "diff", "text", "text"}, 1, "not a state file");
}

}  // namespace
}  // namespace brt
