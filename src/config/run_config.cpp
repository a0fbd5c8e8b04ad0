// SPDX-License-Identifier: Apache-2.0
// Whether the settings of a run make sense.
#include "config/run_config.h"

#include <cmath>

#include <fmt/format.h>

namespace brt {
namespace {

constexpr int64_t kMaxLanes = int64_t{1} << 20;
constexpr int64_t kMaxThreads = 4096;

/// Collects problems of one section.
struct Checker {
  std::string section;
  std::vector<std::string>& problems;

  void report(const char* key, const std::string& problem) {
    problems.push_back(fmt::format("{}.{}: {}", section, key, problem));
  }
  void at_least(const char* key, int64_t value, int64_t smallest) {
    if (value < smallest) {
      report(key, fmt::format("must be at least {}, got {}", smallest, value));
    }
  }
  void between(const char* key, int64_t value, int64_t smallest, int64_t largest) {
    if (value < smallest || value > largest) {
      report(key, fmt::format("must be between {} and {}, got {}", smallest, largest, value));
    }
  }
  void not_negative(const char* key, double value) {
    if (!std::isfinite(value) || value < 0) {
      report(key, fmt::format("must be 0 or more, got {}", value));
    }
  }
  /// 0 <= value < 1
  void share_below_one(const char* key, double value) {
    if (!(value >= 0 && value < 1)) {
      report(key, fmt::format("must be at least 0 and less than 1, got {}", value));
    }
  }
};

void check_model(std::vector<std::string>& problems, ModelConfig model) {
  if (model.vocab_size == 0) {
    model.vocab_size = 1;  // 0 stands for that of the prepared data, which is looked at later
  }
  for (std::string& problem : model_config_problems(model)) {
    problems.push_back(std::move(problem));
  }
}

void check_data(std::vector<std::string>& problems, const DataConfig& data) {
  Checker check = {"data", problems};
  if (data.train_split.empty()) {
    check.report("train_split", "must name a split, got an empty text");
  }
}

void check_train(std::vector<std::string>& problems, const TrainConfig& train) {
  Checker check = {"train", problems};
  check.at_least("steps", train.steps, 1);
  check.between("lanes", train.lanes, 1, kMaxLanes);
  check.at_least("accumulation", train.accumulation, 1);
  if (train.lanes >= 1 && train.accumulation >= 1 && train.lanes % train.accumulation != 0) {
    check.report("accumulation", fmt::format("must divide lanes, but {} does not divide {}",
                                             train.accumulation, train.lanes));
  }
  check.at_least("seed", train.seed, 0);
  check.between("threads", train.threads, 0, kMaxThreads);
  check.share_below_one("dropout", train.dropout);
  check.at_least("log_every", train.log_every, 1);
  check.at_least("checkpoint_every", train.checkpoint_every, 0);
  check.at_least("keep_last", train.keep_last, 1);
  check.at_least("keep_every", train.keep_every, 0);
  check.at_least("save_patience", train.save_patience, 0);
}

void check_optimizer(std::vector<std::string>& problems, const OptimizerConfig& optimizer) {
  Checker check = {"optimizer", problems};
  check.not_negative("rate", optimizer.rate);
  check.at_least("warmup", optimizer.warmup, 0);
  if (optimizer.schedule == ScheduleType::kRsqrt && optimizer.warmup == 0) {
    check.report("warmup",
                 "must be at least 1 with schedule rsqrt, whose rate at step 0 is infinite");
  }
  if (!(optimizer.final_fraction >= 0 && optimizer.final_fraction <= 1)) {
    check.report("final_fraction",
                 fmt::format("must be between 0 and 1, got {}", optimizer.final_fraction));
  }
  check.not_negative("clip_norm", optimizer.clip_norm);
  check.share_below_one("beta1", optimizer.beta1);
  check.share_below_one("beta2", optimizer.beta2);
  check.share_below_one("momentum", optimizer.momentum);
  if (!(std::isfinite(optimizer.epsilon) && optimizer.epsilon > 0)) {
    check.report("epsilon", fmt::format("must be more than 0, got {}", optimizer.epsilon));
  }
  check.not_negative("weight_decay", optimizer.weight_decay);
}

void check_evaluation(std::vector<std::string>& problems, const EvaluationConfig& evaluation) {
  Checker check = {"evaluation", problems};
  check.at_least("every", evaluation.every, 0);
  check.at_least("max_tokens", evaluation.max_tokens, 0);
  check.between("lanes", evaluation.lanes, 1, kMaxLanes);
}

}  // namespace

std::vector<std::string> run_config_problems(const RunConfig& config) {
  std::vector<std::string> problems;
  check_model(problems, config.model);
  check_data(problems, config.data);
  check_train(problems, config.train);
  check_optimizer(problems, config.optimizer);
  check_evaluation(problems, config.evaluation);
  return problems;
}

}  // namespace brt
