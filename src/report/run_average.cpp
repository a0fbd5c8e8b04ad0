// SPDX-License-Identifier: Apache-2.0
// Means over seeds; see run_average.h.
#include "report/run_average.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr std::array<std::string_view, 7> kMayDiffer = {
    "train.seed",       "train.threads",   "train.checkpoint_every", "train.keep_last",
    "train.keep_every", "train.keep_best", "train.recompute"};

void check_settings(const std::vector<RunRecord>& runs) {
  for (const RunRecord& run : runs) {
    std::vector<FieldDifference> differences = config_differences(runs.front().config, run.config);
    std::erase_if(differences, [](const FieldDifference& difference) {
      return std::ranges::find(kMayDiffer, difference.name) != kMayDiffer.end();
    });
    if (!differences.empty()) {
      throw ConfigError(
          fmt::format("report: runs named \"{}\" count as seeds of one model, but {} is {} in one "
                      "and {} in another",
                      run.name, differences[0].name, differences[0].left, differences[0].right),
          "give runs of other settings other names: --run NAME=RUN_FOLDER");
    }
  }
}

std::vector<int64_t> all_seeds(const std::vector<RunRecord>& runs) {
  std::vector<int64_t> seeds;
  for (const RunRecord& run : runs) {
    seeds.insert(seeds.end(), run.seeds.begin(), run.seeds.end());
  }
  std::ranges::sort(seeds);
  const std::vector<int64_t>::iterator twice = std::ranges::adjacent_find(seeds);
  if (twice != seeds.end()) {
    throw ConfigError(fmt::format("report: two runs named \"{}\" have train.seed {}: they are the "
                                  "same run, and their mean says nothing",
                                  runs.front().name, *twice),
                      "train one with --set train.seed=N, or give it another name");
  }
  return seeds;
}

/// Applies `value` to every item and returns the mean; `range` may be null.
template <class Item>
double mean_of(const std::vector<const Item*>& items,
               const std::function<double(const Item&)>& value,
               std::optional<SeedRange>* range = nullptr) {
  SeedRange seen = {.low = value(*items.front()), .high = value(*items.front())};
  double sum = 0.0;
  for (const Item* item : items) {
    sum += value(*item);
    seen.low = std::min(seen.low, value(*item));
    seen.high = std::max(seen.high, value(*item));
  }
  if (range != nullptr) {
    *range = seen;
  }
  return sum / static_cast<double>(items.size());
}

LoggedStep average_steps(const std::vector<const LoggedStep*>& steps) {
  const auto mean = [&steps](double LoggedStep::* value) {
    return mean_of<LoggedStep>(steps, [value](const LoggedStep& step) { return step.*value; });
  };
  LoggedStep average = {.step = steps.front()->step,
                        .tokens = mean(&LoggedStep::tokens),
                        .bits_per_token = mean(&LoggedStep::bits_per_token),
                        .bits_per_byte = mean(&LoggedStep::bits_per_byte),
                        .tokens_per_second = mean(&LoggedStep::tokens_per_second),
                        .seconds = mean(&LoggedStep::seconds)};
  const auto all_have = [&steps](const auto& has) {
    return std::ranges::all_of(steps, [&has](const LoggedStep* step) { return has(*step); });
  };
  for (const auto& [name, first] : steps.front()->gates) {
    if (all_have([&name](const LoggedStep& step) { return step.gates.contains(name); })) {
      const auto mean_gate = [&steps, &name](double LoggedGate::* value) {
        return mean_of<LoggedStep>(
            steps, [&](const LoggedStep& step) { return step.gates.at(name).*value; });
      };
      average.gates[name] = {mean_gate(&LoggedGate::mean), mean_gate(&LoggedGate::p1),
                             mean_gate(&LoggedGate::p99)};
    }
  }
  for (const auto& [layer, first] : steps.front()->state_rms) {
    if (all_have([&layer](const LoggedStep& step) { return step.state_rms.contains(layer); })) {
      average.state_rms[layer] = mean_of<LoggedStep>(
          steps, [&layer](const LoggedStep& step) { return step.state_rms.at(layer); });
    }
  }
  if (all_have([](const LoggedStep& step) { return step.validation.has_value(); })) {
    LoggedValidation& validation = average.validation.emplace();
    validation.bits_per_token = mean_of<LoggedStep>(
        steps, [](const LoggedStep& step) { return step.validation->bits_per_token; });
    validation.bits_per_byte = mean_of<LoggedStep>(
        steps, [](const LoggedStep& step) { return step.validation->bits_per_byte; },
        &validation.range);
  }
  return average;
}

/// Means of the steps that every run has logged.
std::vector<LoggedStep> average_curves(const std::vector<RunRecord>& runs) {
  std::vector<LoggedStep> averages;
  for (const LoggedStep& step : runs.front().steps) {
    std::vector<const LoggedStep*> same;
    for (const RunRecord& run : runs) {
      const std::vector<LoggedStep>::const_iterator found =
          std::ranges::lower_bound(run.steps, step.step, {}, &LoggedStep::step);
      if (found != run.steps.end() && found->step == step.step) {
        same.push_back(&*found);
      }
    }
    if (same.size() == runs.size()) {
      averages.push_back(average_steps(same));
    }
  }
  return averages;
}

EvaluationRecord average_evaluations(const std::vector<const EvaluationRecord*>& evaluations) {
  EvaluationRecord average = *evaluations.front();
  const auto mean = [&evaluations](double EvaluationRecord::* value,
                                   std::optional<SeedRange>* range = nullptr) {
    return mean_of<EvaluationRecord>(
        evaluations, [value](const EvaluationRecord& record) { return record.*value; }, range);
  };
  average.bits_per_token = mean(&EvaluationRecord::bits_per_token);
  average.bits_per_byte = mean(&EvaluationRecord::bits_per_byte, &average.range);
  average.word_perplexity = mean(&EvaluationRecord::word_perplexity);
  average.tokens_per_second = mean(&EvaluationRecord::tokens_per_second);
  for (size_t index = 0; index < average.by_position.size(); ++index) {
    LossAtPosition& loss = average.by_position[index];
    loss.bits_per_token = mean_of<EvaluationRecord>(
        evaluations,
        [index](const EvaluationRecord& record) {
          return record.by_position[index].bits_per_token;
        },
        &loss.range);
  }
  return average;
}

bool is_of_same_text(const EvaluationRecord& left, const EvaluationRecord& right) {
  return left.split == right.split && left.documents == right.documents &&
         left.tokens == right.tokens && left.bytes == right.bytes &&
         std::ranges::equal(left.by_position, right.by_position,
                            [](const LossAtPosition& a, const LossAtPosition& b) {
                              return a.from == b.from && a.to == b.to;
                            });
}

std::map<std::string, EvaluationRecord> average_all_evaluations(
    const std::vector<RunRecord>& runs) {
  std::set<std::string> carries;
  for (const RunRecord& run : runs) {
    for (const auto& [carry, evaluation] : run.evaluations) {
      carries.insert(carry);
    }
  }
  std::map<std::string, EvaluationRecord> averages;
  for (const std::string& carry : carries) {
    std::vector<const EvaluationRecord*> all;
    for (const RunRecord& run : runs) {
      const EvaluationRecord* evaluation = run.evaluation(carry);
      if (evaluation == nullptr || (!all.empty() && !is_of_same_text(*all.front(), *evaluation))) {
        throw DataError(
            fmt::format("report: the run with seed {} of \"{}\" {} (carry {})", run.seeds.front(),
                        run.name,
                        evaluation == nullptr ? "has no evaluation where another seed has one"
                                              : "was evaluated on other text than another seed",
                        carry),
            "evaluate every seed in the same way, with brt eval --json");
      }
      all.push_back(evaluation);
    }
    averages[carry] = average_evaluations(all);
  }
  return averages;
}

}  // namespace

RunRecord average_runs(const std::vector<RunRecord>& runs) {
  if (runs.size() == 1) {
    return runs.front();
  }
  check_settings(runs);
  RunRecord average = {.name = runs.front().name,
                       .seeds = all_seeds(runs),
                       .config = runs.front().config,
                       .config_text = runs.front().config_text};
  for (const RunRecord& run : runs) {
    if (run.steps.back().step != runs.front().steps.back().step) {
      throw DataError(fmt::format("report: the runs named \"{}\" stopped at steps {} and {}",
                                  run.name, runs.front().steps.back().step, run.steps.back().step),
                      "train them all to the end: the same commands go on");
    }
    if (run.sample && !average.sample) {
      average.sample = run.sample;
      average.sample_prompt = run.sample_prompt;
    }
  }
  average.steps = average_curves(runs);
  average.evaluations = average_all_evaluations(runs);
  return average;
}

}  // namespace brt
