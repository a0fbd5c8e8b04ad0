// SPDX-License-Identifier: Apache-2.0
// Threads of the program: how many there are, those that cannot be started, and how long they spin.
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/one_core.h"
#include "support/run_fixtures.h"

namespace brt {
namespace {

using nlohmann::json;

class Threads : public TrainedRun {
 protected:
  static std::vector<std::string> generate(const std::string& threads) {
    return {"generate", "--model", "run", "--prompt", "a", "--tokens", "20", "--threads", threads};
  }
};

/// Changes a variable of the environment, which programs inherit, for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* before = std::getenv(name);
    had_value_ = before != nullptr;
    before_ = had_value_ ? before : "";
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~Variable() { had_value_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  bool had_value_ = false;
  std::string before_;
};

TEST_F(Threads, ThatCannotBeStartedAreDoneWithout) {
  const std::string text = run_->must_run(generate("1")).output;
  // Not enough for the stacks of so many.
  const ProgramResult few = run_->run(generate("4096"), {.most_memory_bytes = 6'000'000'000});
  EXPECT_EQ(few.code, 0) << few.messages;
  EXPECT_EQ(few.output, text);
  EXPECT_TRUE(contains(few.messages, "the system starts no 4096 threads"));
}

TEST_F(Threads, OfTrainingThatCannotBeStartedAreAnError) {
  const ProgramResult result = run_->run(
      {"eval", "--model", "run", "--data", "data", "--split", "validation", "--threads", "4096"},
      {.most_memory_bytes = 6'000'000'000});
  EXPECT_TRUE(result.code == 0 || result.code == 1) << result.code;
  EXPECT_TRUE(result.code == 0 || !result.messages.empty());
}

TEST_F(Threads, AreAsManyAsTheCoresThatTheProcessMayUse) {
  const Variable no_choice("OMP_NUM_THREADS", nullptr);
  const OneCore alone;
  for (const std::string mode : {"decode", "eval"}) {
    const ProgramResult result = run_->run({"bench", mode, "--config", "recipe.toml", "--steps",
                                            "1", "--set", "train.threads=0", "--json"});
    EXPECT_EQ(result.code, 0) << result.messages;
    EXPECT_EQ(json::parse(result.output)["threads"], 1) << mode;
  }
}

/// OpenMP's own word on how long its threads spin, which it gives where it is asked for.
std::string spin_count(TinyRun& run, const std::vector<std::string>& command) {
  const Variable shown("OMP_DISPLAY_ENV", "verbose");
  const std::string messages = run.run(command).messages;
  const size_t begin = messages.find("GOMP_SPINCOUNT = '");
  const size_t end = messages.find('\n', begin == std::string::npos ? 0 : begin);
  return begin == std::string::npos ? "not told" : messages.substr(begin, end - begin);
}

TEST_F(Threads, OfLibTorchSpinForABoundedTime) {
  const Variable no_policy("OMP_WAIT_POLICY", nullptr);
  const Variable no_count("GOMP_SPINCOUNT", nullptr);
  const std::vector<std::string> eval = {"eval", "--model", "run",       "--data",
                                         "data", "--split", "validation"};
  const std::string bounded = spin_count(*run_, eval);
  if (bounded == "not told") {
    GTEST_SKIP() << "LibTorch uses another OpenMP library";
  }
  EXPECT_EQ(bounded, "GOMP_SPINCOUNT = '20000'");
  const Variable chosen("GOMP_SPINCOUNT", "77");
  EXPECT_EQ(spin_count(*run_, eval), "GOMP_SPINCOUNT = '77'") << "the user's choice stands";
}

}  // namespace
}  // namespace brt
