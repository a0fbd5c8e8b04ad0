// SPDX-License-Identifier: Apache-2.0
// The verbs one after another on a tiny model, as a user runs them.
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/run_fixtures.h"

namespace brt {
namespace {

using nlohmann::json;

class Verbs : public TrainedRun {
 protected:
  static json evaluate(const std::string& carry, const std::string& lanes) {
    return json::parse(output_of({"eval", "--model", "run", "--data", "data", "--split",
                                  "validation", "--carry", carry, "--lanes", lanes, "--json"}));
  }
  static std::set<std::string> keys_of(const json& object) {
    std::set<std::string> keys;
    for (const auto& [key, value] : object.items()) {
      keys.insert(key);
    }
    return keys;
  }
};

TEST_F(Verbs, EvalPrintsTheKeysThatOthersRelyOn) {
  const json result = evaluate("carried", "1");
  const std::set<std::string> expected = {
      "model",           "data",           "split",         "carry",
      "documents",       "tokens",         "bytes",         "words",
      "nats_per_token",  "bits_per_token", "bits_per_byte", "token_perplexity",
      "word_perplexity", "by_position",    "by_document",   "tokens_per_second"};
  EXPECT_EQ(keys_of(result), expected);
  EXPECT_EQ(keys_of(result["by_position"][0]),
            (std::set<std::string>{"from", "to", "tokens", "bits_per_token"}));
  EXPECT_EQ(result["documents"], 2);
  // Every byte but the first, and the document's end.
  EXPECT_EQ(result["tokens"], result["bytes"]);
}

TEST_F(Verbs, HelpIsAVerbToo) {
  EXPECT_EQ(output_of({"help"}), output_of({"--help"}));
  EXPECT_EQ(output_of({"help", "train"}), output_of({"train", "--help"}));
  EXPECT_EQ(output_of({"help", "tokenizer", "encode"}),
            output_of({"tokenizer", "encode", "--help"}));
}

TEST_F(Verbs, EvalDoesNotDependOnTheNumberOfLanes) {
  for (const std::string carry : {"carried", "none", "reset"}) {
    const double one = evaluate(carry, "1")["nats_per_token"];
    const double three = evaluate(carry, "3")["nats_per_token"];
    EXPECT_NEAR(one, three, 1e-6 * one) << carry;
  }
  EXPECT_NE(evaluate("carried", "1")["nats_per_token"], evaluate("reset", "1")["nats_per_token"]);
}

TEST_F(Verbs, EvalKeepsTheWordsOfJsonWhateverWordIsGiven) {
  for (const auto& [word, in_json] : {std::pair<const char*, const char*>{"full", "carried"},
                                      {"no-state", "none"},
                                      {"nothing", "reset"}}) {
    const json result = evaluate(word, "1");
    EXPECT_EQ(result["carry"], in_json);
    EXPECT_EQ(result["nats_per_token"], evaluate(in_json, "1")["nats_per_token"]);
  }
  EXPECT_TRUE(contains(output_of({"eval", "--model", "run", "--data", "data", "--split",
                                  "validation", "--carry", "none"}),
                       "carry              no-state\n"));
}

TEST_F(Verbs, ACheckpointOfARunIsChosenByItsName) {
  const auto nats = [](const std::string& model) -> double {
    return json::parse(output_of({"eval", "--model", model, "--data", "data", "--split",
                                  "validation", "--json"}))["nats_per_token"];
  };
  EXPECT_EQ(nats("run@2"), nats("run/checkpoints/step-00000002"));
  EXPECT_EQ(nats("run@latest"), nats("run"));
  EXPECT_NE(nats("run@2"), nats("run"));
  const std::vector<std::string> score = {"score", "--model", "run@2", "recipe.toml"};
  EXPECT_NE(output_of(score), output_of({"score", "--model", "run", "recipe.toml"}));

  std::set<int64_t> best;
  const json run = json::parse(output_of({"inspect", "run", "--json"}));
  for (const json& checkpoint : run["checkpoints"]) {
    if (checkpoint["best"]) {
      best.insert(checkpoint["step"].get<int64_t>());
    }
  }
  ASSERT_EQ(best.size(), 1U);
  EXPECT_EQ(nats("run@best"), nats("run@" + std::to_string(*best.begin())));
  const bool is_told =
      contains(run_->must_run({"eval", "--model", "run", "--data", "data", "--split", "validation"})
                   .messages,
               "had a lower validation loss: give run@best for that");
  EXPECT_EQ(is_told, *best.begin() != 4);  // 4 is the newest
}

TEST_F(Verbs, HelpNamesEveryWayToGiveAModel) {
  for (const std::string verb : {"eval", "score", "generate", "compress", "decompress"}) {
    EXPECT_TRUE(contains(output_of({verb, "--help"}), "RUN@best")) << verb;
    EXPECT_TRUE(contains(output_of({verb, "--help"}), "RUN@STEP")) << verb;
  }
  EXPECT_TRUE(contains(output_of({"inspect", "--help"}), "RUN@best"));
}

TEST_F(Verbs, InspectTakesANamedCheckpoint) {
  EXPECT_EQ(inspect("run@2"), inspect("run/checkpoints/step-00000002"));
  const ProgramResult absent = run_->run({"inspect", "run@3"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_TRUE(contains(absent.messages, "has no checkpoint of step 3"));
}

TEST_F(Verbs, AnXlOfTheSameRecipeReadsAsManyTokensAStep) {
  const ProgramResult result =
      run_->must_run({"train", "--config", "recipe.toml", "--set", "model.preset=xl", "--set",
                      "train.steps=1", "--run", "xl"});
  EXPECT_TRUE(contains(result.messages,
                       "segments of 16 instead of 64 tokens: train.lanes is 8 "
                       "instead of 2, so that a step has 128 tokens as before"));
  const std::string config = bytes_of(run_->folder() / "xl" / "config.toml");
  EXPECT_TRUE(contains(config, "\nsegment = 16 "));
  EXPECT_TRUE(contains(config, "\nlanes = 8 "));
  EXPECT_TRUE(contains(config, "\nrecurrent_layers = [] "));
}

TEST_F(Verbs, ScoresOfAllDocumentsSumToTheEvaluation) {
  double nats = 0.0;
  int64_t tokens = 0;
  for (const std::string book : {"books/validation/c.txt", "books/validation/d.txt"}) {
    std::istringstream lines(
        output_of({"score", "--model", "run", book, "--weights", "fp32", "--json"}));
    double bits = 0.0;
    json last;
    int64_t index = 0;
    for (std::string line; std::getline(lines, line);) {
      last = json::parse(line);
      if (!last.contains("summary")) {
        EXPECT_EQ(last["index"], index++);
        bits += last["bits"].is_null() ? 0.0 : last["bits"].get<double>();
      }
    }
    EXPECT_NEAR(bits * std::log(2.0), last["nats"].get<double>(), 1e-6);
    nats += last["nats"].get<double>();
    tokens += last["tokens"].get<int64_t>();
  }
  const json result = evaluate("carried", "2");
  EXPECT_EQ(tokens, result["tokens"]);
  EXPECT_NEAR(nats / static_cast<double>(tokens), result["nats_per_token"].get<double>(), 3e-6);
}

TEST_F(Verbs, ScoreGivesALineWithTheSameKeysForEveryToken) {
  std::istringstream lines(output_of({"score", "--model", "run", "recipe.toml", "--json"}));
  const std::set<std::string> expected = {"index", "token", "text", "byte_offset", "bits"};
  int64_t count = 0;
  std::string text;
  for (std::string line; std::getline(lines, line); ++count) {
    const json object = json::parse(line);
    if (!object.contains("summary")) {
      EXPECT_EQ(keys_of(object), expected) << line;
      EXPECT_EQ(object["byte_offset"], static_cast<int64_t>(text.size()));
      text += object["text"].get<std::string>();
    }
  }
  EXPECT_EQ(text, bytes_of(run_->folder() / "recipe.toml"));
  EXPECT_EQ(count, static_cast<int64_t>(text.size()) + 2);  // the document's end and the summary
}

TEST_F(Verbs, StandardInputIsPreparedAsAFileIs) {
  output_of({"prepare", "--input", "books/train/a.txt", "--output", "from-file"});
  const ProgramResult piped = run_->run({"prepare", "--input", "-", "--output", "from-input"},
                                        {.input = run_->folder() / "books/train/a.txt"});
  EXPECT_EQ(piped.code, 0) << piped.messages;
  const json file = json::parse(output_of({"inspect", "from-file", "--json"}))["splits"][0];
  const json input = json::parse(output_of({"inspect", "from-input", "--json"}))["splits"][0];
  for (const char* key : {"documents", "tokens", "bytes", "words"}) {
    EXPECT_EQ(input[key], file[key]) << key;
  }
}

TEST_F(Verbs, StandardInputIsScoredAsAFileIs) {
  const std::string from_file = output_of({"score", "--model", "run", "books/train/a.txt"});
  const ProgramResult piped =
      run_->run({"score", "--model", "run", "-"}, {.input = run_->folder() / "books/train/a.txt"});
  EXPECT_EQ(piped.code, 0) << piped.messages;
  EXPECT_EQ(piped.output, from_file);
}

TEST_F(Verbs, GenerateGivesTheSameTextForTheSameSeed) {
  const std::vector<std::string> command = {
      "generate", "--model", "run", "--prompt", "once upon", "--tokens", "60", "--seed", "7"};
  const std::string text = output_of(command);
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(output_of(command), text);
  std::vector<std::string> other = command;
  other.back() = "8";
  EXPECT_NE(output_of(other), text);
  std::vector<std::string> echoed = command;
  echoed.push_back("--echo");
  EXPECT_EQ(output_of(echoed), "once upon" + text);
}

TEST_F(Verbs, ASavedStateGoesOnAsIfItHadNeverStopped) {
  const std::vector<std::string> start = {"generate", "--model", "run", "--prompt",
                                          "the sea",  "--seed",  "3",   "--tokens"};
  std::vector<std::string> whole = start;
  whole.push_back("50");
  std::vector<std::string> first = start;
  first.insert(first.end(), {"20", "--state-out", "saved.state"});
  const std::string beginning = output_of(first);
  const std::string rest =
      output_of({"generate", "--model", "run", "--state-in", "saved.state", "--tokens", "30"});
  EXPECT_EQ(beginning + rest, output_of(whole));
  EXPECT_EQ(json::parse(output_of({"inspect", "saved.state", "--json"}))["kind"], "state");
}

TEST_F(Verbs, InspectKnowsWhatTheOthersMade) {
  for (const std::string path : {"run", "run/checkpoints/step-00000004", "data",
                                 "run/checkpoints/step-00000004/model.safetensors"}) {
    const json found = json::parse(output_of({"inspect", path, "--json"}));
    EXPECT_TRUE(found.contains("kind")) << path;
  }
}

TEST_F(Verbs, ATrainedTokenizerGivesBackEveryByte) {
  const std::string text = words(20000, 1) + "\n\xff\xfe two  spaces\t\xe2\x96\x81 <s>\n";
  put_bytes(run_->folder() / "text.txt", text);
  output_of({"tokenizer", "train", "--input", "text.txt", "--vocab", "400", "--output", "t.model"});
  put_bytes(run_->folder() / "ids.txt",
            output_of({"tokenizer", "encode", "--model", "t.model", "text.txt"}));
  EXPECT_EQ(output_of({"tokenizer", "decode", "--model", "t.model", "ids.txt"}), text);
  const json prepared = json::parse(output_of({"prepare", "--input", "text.txt", "--output",
                                               "pieces", "--tokenizer", "t.model", "--json"}));
  EXPECT_LT(prepared["tokens"].get<double>(), prepared["bytes"].get<double>());
}

TEST_F(Verbs, ReportIsOnePageWithPlots) {
  output_of({"report", "--run", "Tiny=run", "--output", "report.html"});
  const std::string page = bytes_of(run_->folder() / "report.html");
  EXPECT_TRUE(contains(page, "<svg"));
  EXPECT_FALSE(contains(page, "src=\"http"));
}

TEST_F(Verbs, SelftestRunsACaseOfTheReference) {
  const json line = json::parse(output_of(
      {"selftest", "--golden", std::string(BRT_SOURCE_DIR) + "/tests/golden/slide", "--json"}));
  EXPECT_EQ(line["passed"], true);
}

TEST_F(Verbs, BenchPrintsTheKeysThatOthersRelyOn) {
  for (const std::string mode : {"train", "eval", "decode"}) {
    const json result = json::parse(
        output_of({"bench", mode, "--config", "recipe.toml", "--steps", "2", "--json"}));
    for (const char* key :
         {"tokens_per_second", "spread", "step_ms", "peak_rss_mib", "flops_per_token",
          "flops_per_second", "share_of_gemm_peak", "cpu", "kernel_target", "threads", "dtype"}) {
      EXPECT_TRUE(result.contains(key)) << mode << ": " << key;
    }
    EXPECT_GT(result["tokens_per_second"].get<double>(), 0.0) << mode;
  }
}

}  // namespace
}  // namespace brt
