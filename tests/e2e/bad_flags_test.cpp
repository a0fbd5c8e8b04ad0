// SPDX-License-Identifier: Apache-2.0
// The program with unknown, missing and repeated flags and with numbers that are none: exit code 2,
// the nearest known word, and every file as it was.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/refusals.h"
#include "support/text_assertions.h"
#include "support/tiny_run.h"

namespace brt {
namespace {

using nlohmann::json;

class BadFlags : public Refusals {};

TEST_F(BadFlags, WhatIsNearNoKnownWordGetsNoGuess) {
  for (const Command& command : std::vector<Command>{
           {"serve"}, {"tokenizer", "xyzzy"}, {"generate", "--lr", "1"}, {"bench", "quickly"}}) {
    const ProgramResult result = run_->run(command);
    EXPECT_EQ(result.code, kWrongUsage) << result.messages;
    EXPECT_FALSE(contains(result.messages, "did you mean")) << result.messages;
  }
  EXPECT_TRUE(contains(run_->run({"serve"}).messages,
                       "unknown verb \"serve\"; verbs are prepare, tokenizer, train, eval, "));
}

TEST_F(BadFlags, UnknownVerbsFlagsAndValuesNameTheNearestKnownOne) {
  expect_all_refused(
      {
          {{}, "a verb is missing"},
          {{"evl"}, "did you mean \"eval\"?"},
          {{"--verson"}, "did you mean \"--version\"?"},
          {{"prepare", "--inptu", "books", "--output", "x"}, "did you mean \"--input\"?"},
          {{"tokenizer", "trian"}, "did you mean \"train\"?"},
          {{"train", "--confg", "recipe.toml"}, "did you mean \"--config\"?"},
          {{"score", "--model", "run", "--josn", "book"}, "did you mean \"--json\"?"},
          {{"eval", "--model", "a", "--data", "b", "--split", "c", "--carry", "non"},
           "did you mean \"none\"?"},
          {{"eval", "--model", "a", "--data", "b", "--split", "c", "--dtype", "bf61"},
           "did you mean \"bf16\"?"},
          {{"tokenizer", "train", "--input", "books", "--output", "t", "--type", "bep"},
           "did you mean \"bpe\"?"},
          {{"bench", "deocde"}, "did you mean \"decode\"?"},
          {{"eval", "--carry", std::string(50000, 'a')}, "not in {full,no-state,nothing,carried,"},
          {{"evaluate"}, "did you mean \"eval\"?"},
          {{"sample"}, "did you mean \"generate\"?"},
          {{"help", "trian"}, "did you mean \"train\"?"},
          {{"help", "train", "extra"}, "unexpected argument \"extra\""},
          {{"train", "--config"}, "--config needs a value"},
          {{"generate", "--model", "run", "--temperature", "00.5"}, "leave out the zeros in front"},
          {{"train", "--batch-size", "8"}, "did you mean --set train.lanes=...?"},
          {{"train", "--lr=0.1"}, "unknown flag \"--lr\"; did you mean --set optimizer.rate=...?"},
          {{"train", "--seq-len", "8"}, "--set model.segment=... or --set model.window=...?"},
          {{"generate", "--temp", "0.8"}, "did you mean \"--temperature\"?"},
      },
      kWrongUsage);
}

TEST_F(BadFlags, MissingAndRepeatedFlagsAreNamed) {
  expect_all_refused(
      {
          {{"prepare", "--output", "x"}, "--input is required"},
          {{"tokenizer", "train", "--vocab", "300"}, "brt tokenizer train --help"},
          {{"report", "--run", "run"}, "--output is required"},
          {{"score", "--model", "run"}, "file is required"},
          {{"generate", "--model", "run"}, "--tokens is required"},
          {{"eval", "--model", "a", "--model", "b"}, "--model is given more than once"},
          {{"score", "--model", "a", "b", "c"}, "unexpected argument \"c\""},
          {{"generate", "--model", "a", "--tokens", "1", "--prompt", "a", "--prompt-file", "b"},
           "--prompt excludes --prompt-file"},
      },
      kWrongUsage);
}

TEST_F(BadFlags, NumbersOutOfRangeAreRefusedWithTheirRange) {
  const Command eval = {"eval", "--model", "a", "--data", "b", "--split", "c"};
  const Command generate = {"generate", "--model", "a", "--prompt", "p"};
  const Command write = generate + Command{"--tokens", "9"};
  expect_all_refused(
      {
          {eval + Command{"--lanes", "-1"}, "--lanes: must be a whole number from 0 to"},
          {eval + Command{"--lanes", "1.5"}, "must be a whole number"},
          {eval + Command{"--lanes", "99999999999999999999"}, "must be a whole number"},
          {eval + Command{"--threads", "-3"}, "--threads: must be a whole number from 0 to 4096"},
          {eval + Command{"--max-document-tokens", "-1"}, "must be a whole number of at least 0"},
          {generate + Command{"--tokens", "-1"}, "--tokens: must be a whole number of at least 0"},
          {generate + Command{"--tokens", "many"}, "got \"many\""},
          {write + Command{"--seed", "-1"}, "--seed: must be a whole number from 0 to 1844674407"},
          {write + Command{"--temperature", "-0.5"}, "temperature must be at least 0"},
          {write + Command{"--temperature", "nan"}, "--temperature: must be a number such as"},
          {write + Command{"--top-p", "1.5"}, "top_p must be above 0 and at most 1"},
          {write + Command{"--top-p", "0"}, "top_p must be above 0 and at most 1"},
          {write + Command{"--top-k", "-1"}, "--top-k: must be a whole number of at least 0"},
          {write + Command{"--min-p", "2"}, "min_p must be from 0 to 1"},
          {write + Command{"--repetition-penalty", "0"}, "repetition_penalty must be above 0"},
          {write + Command{"--stop", ""}, "a stop string must not be empty"},
          {write + Command{"--state-out", ""}, "--state-out: must not be empty"},
          {write + Command{"--state-in", ""}, "--state-in: must not be empty"},
          {{"train", "--config", "a", "--run", ""}, "--run: must not be empty"},
          {{"tokenizer", "train", "--input", "books", "--output", "t", "--vocab", "0"},
           "--vocab: must be a whole number of at least 1"},
          {{"tokenizer", "train", "--input", "books", "--output", "t", "--vocab", "100"},
           "must be larger than 258"},
          {{"bench", "train", "--steps", "0"}, "--steps: must be a whole number from 1 to"},
      },
      kWrongUsage);
}

TEST_F(BadFlags, WhatIsNoPlainNumberIsRefusedByEveryFlag) {
  const Command write = {"generate", "--model", "a", "--prompt", "p", "--tokens", "9"};
  const Command eval = {"eval", "--model", "a", "--data", "b", "--split", "c"};
  const Command score = {"score", "--model", "a", "b", "--state-out", "s"};
  const Command pieces = {"tokenizer", "train", "--input", "books", "--output", "t"};
  const std::vector<Command> whole = {{"generate", "--model", "a", "--prompt", "p", "--tokens"},
                                      write + Command{"--samples"},
                                      write + Command{"--top-k"},
                                      write + Command{"--repetition-window"},
                                      write + Command{"--seed"},
                                      write + Command{"--threads"},
                                      eval + Command{"--lanes"},
                                      eval + Command{"--max-document-tokens"},
                                      eval + Command{"--threads"},
                                      score + Command{"--save-every"},
                                      score + Command{"--threads"},
                                      {"compress", "--model", "a", "b", "-o", "c", "--threads"},
                                      {"decompress", "--model", "a", "b", "-o", "c", "--threads"},
                                      {"state", "fork", "a", "b", "--seed"},
                                      pieces + Command{"--vocab"},
                                      pieces + Command{"--threads"},
                                      {"bench", "train", "--steps"},
                                      {"bench", "decode", "--streams"},
                                      {"bench", "read", "--document-tokens"},
                                      {"bench", "train", "--threads"}};
  const std::vector<std::string> odd = {"nan",
                                        "0x10",
                                        "inf",
                                        "1e3",
                                        "010",
                                        " 7",
                                        "7 ",
                                        "7x",
                                        "1_000",
                                        "7.0",
                                        "+7",
                                        "36893488147419103232",
                                        "-36893488147419103232"};
  std::vector<Refusal> refusals;
  for (const Command& command : whole) {
    const size_t tried =
        &command == &whole.front() ? odd.size() : 2;  // all are checked in one place
    for (size_t i = 0; i < tried; ++i) {
      refusals.push_back({command + Command{odd[i]}, command.back() + ": must be a whole number"});
    }
  }
  for (const char* text : {"inf", "1e999", "0x1p-1", " 0.5", "0.5 ", "0.5x", "0,5", "half"}) {
    refusals.push_back({write + Command{"--temperature", text}, "--temperature: must be a number"});
  }
  for (const char* flag : {"--top-p", "--min-p", "--repetition-penalty"}) {
    refusals.push_back({write + Command{flag, "nan"}, std::string(flag) + ": must be a number"});
  }
  for (const char* text : {"1=nan", "1=inf", "1=", "=1", "-1=1", "1=+-5", "1=0x5", "0x1=1", "1=5 ",
                           "1=1e999", "4294967297=1"}) {
    const bool is_in_form = std::string(text) == "1=inf" || std::string(text) == "-1=1";
    refusals.push_back({write + Command{"--logit-bias", text},
                        is_in_form ? "logit_bias must be" : "--logit-bias must be TOKEN=BIAS"});
  }
  expect_all_refused(refusals, kWrongUsage);
}

TEST_F(BadFlags, EverySeedThatIsPrintedCanBeGivenBack) {
  need_run();
  const Command generate = {"generate", "--model", "run", "--prompt", "a", "--tokens", "1"};
  run_->must_run(generate + Command{"--state-out", "seeds.state"});
  for (int i = 0; i < 8; ++i) {  // half of them are above 2^63
    const std::string copy = "fork" + std::to_string(i);
    const std::string output = run_->must_run({"state", "fork", "seeds.state", copy}).output;
    const std::string seed =
        output.substr(output.rfind(' ') + 1, output.size() - output.rfind(' ') - 2);
    const json text =
        json::parse(run_->must_run(generate + Command{"--seed", seed, "--json"}).output);
    EXPECT_EQ(std::to_string(text["seed"].get<uint64_t>()), seed);
    run_->must_run({"state", "fork", "seeds.state", copy + "b", "--seed", seed});
    EXPECT_EQ(run_->run({"state", "diff", copy, copy + "b"}).output, "");
  }
  run_->must_run(generate + Command{"--seed", "18446744073709551615", "--samples", "2"});
}

}  // namespace
}  // namespace brt
