// SPDX-License-Identifier: Apache-2.0
// Terms of training, one by one; see report_terms.h.
#include "report/report_terms.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/enum_text.h"
#include "report/report_summary.h"

namespace brt {
namespace {

/// One term: how it is called, its value in words, and whether two runs share it.
struct Term {
  std::string name;
  std::function<std::string(const RunRecord&)> text;
  std::function<bool(const RunRecord&, const RunRecord&)> is_same;
};

double tokens_read(const RunRecord& run) { return run.steps.back().tokens; }

int64_t tokens_of_a_step(const RunRecord& run) {
  return run.config.train.lanes * run.config.model.segment;
}

std::string tokens_text(double tokens) {
  return tokens < 1e5 ? grouped(tokens) : fmt::format("{:.2f} million", tokens / 1e6);
}

/// Lanes that begin and end documents at other tokens learn from a few tokens more or less.
bool is_as_many(double left, double right) {
  return std::abs(left - right) <= 0.01 * std::max(std::abs(left), std::abs(right));
}

std::string tested_text(const RunRecord& run) {
  const EvaluationRecord* evaluation = run.evaluation("carried");
  return evaluation == nullptr
             ? "none"
             : fmt::format("split {}, {} documents, {:.2f} MB", evaluation->split,
                           evaluation->documents, static_cast<double>(evaluation->bytes) / 1e6);
}

bool is_tested_on_same(const RunRecord& left, const RunRecord& right) {
  const EvaluationRecord* first = left.evaluation("carried");
  const EvaluationRecord* second = right.evaluation("carried");
  return first == nullptr || second == nullptr ||
         (first->split == second->split && first->documents == second->documents &&
          first->bytes == second->bytes);
}

/// The settings that are no part of the model and change what is learnt; seeds have a term of their
/// own, lanes and segment make the tokens of a step.
bool is_term(const std::string& name) {
  return name.starts_with("optimizer.") || name == "data.path" || name == "data.train_split" ||
         name == "data.shuffle" || name == "train.steps" || name == "train.dtype" ||
         name == "train.dropout";
}

const std::vector<Term>& measured_terms() {
  static const std::vector<Term> terms = {
      {"tokens read", [](const RunRecord& run) { return tokens_text(tokens_read(run)); },
       [](const RunRecord& left, const RunRecord& right) {
         return is_as_many(tokens_read(left), tokens_read(right));
       }},
      {"tokens of a step", [](const RunRecord& run) { return grouped(tokens_of_a_step(run)); },
       [](const RunRecord& left, const RunRecord& right) {
         return tokens_of_a_step(left) == tokens_of_a_step(right);
       }},
      {"steps done", [](const RunRecord& run) { return grouped(run.steps.back().step); },
       [](const RunRecord& left, const RunRecord& right) {
         return left.steps.back().step == right.steps.back().step;
       }},
      {"held-out text", tested_text, is_tested_on_same}};
  return terms;
}

/// "Recurrent 3.28 million, XL 0.82 million"
std::string values_text(const std::vector<RunRecord>& runs,
                        const std::function<std::string(size_t)>& value) {
  std::vector<std::string> parts;
  for (size_t index = 0; index < runs.size(); ++index) {
    parts.push_back(fmt::format("{} {}", runs[index].name, value(index)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string seeds_text(const RunRecord& run) {
  return fmt::format("{}", fmt::join(run.seeds, " and "));
}

bool have_same_seeds(const std::vector<RunRecord>& runs) {
  return std::ranges::all_of(
      runs, [&runs](const RunRecord& run) { return run.seeds == runs.front().seeds; });
}

/// Everything but seeds in which the runs differ, each with its values.
std::vector<std::string> differences(const std::vector<RunRecord>& runs) {
  std::vector<std::string> texts;
  for (const Term& term : measured_terms()) {
    const bool is_same = std::ranges::all_of(
        runs, [&](const RunRecord& run) { return term.is_same(runs.front(), run); });
    if (!is_same) {
      texts.push_back(fmt::format("{} ({})", term.name, values_text(runs, [&](size_t index) {
                                    return term.text(runs[index]);
                                  })));
    }
  }
  for (const auto& [name, values] : differing_settings(runs)) {
    if (is_term(name)) {
      texts.push_back(fmt::format("{} ({})", name,
                                  values_text(runs, [&](size_t index) { return values[index]; })));
    }
  }
  return texts;
}

}  // namespace

std::map<std::string, std::vector<std::string>> differing_settings(
    const std::vector<RunRecord>& runs) {
  std::map<std::string, std::vector<std::string>> rows;
  for (size_t index = 1; index < runs.size(); ++index) {
    for (const FieldDifference& difference :
         config_differences(runs[0].config, runs[index].config)) {
      const auto [row, is_new] = rows.try_emplace(difference.name, runs.size(), difference.left);
      row->second[index] = difference.right;
    }
  }
  return rows;
}

bool are_on_equal_terms(const RunRecord& left, const RunRecord& right) {
  return differences({left, right}).empty();
}

std::string differences_sentence(const std::vector<RunRecord>& runs) {
  if (runs.size() < 2) {
    return "";
  }
  std::vector<std::string> texts = differences(runs);
  const bool is_unequal = !texts.empty();
  if (!have_same_seeds(runs)) {
    texts.push_back(fmt::format(
        "seeds ({})", values_text(runs, [&](size_t index) { return seeds_text(runs[index]); })));
  }
  if (is_unequal) {
    return fmt::format(
        "These runs differ in more than their models, so the figures do not compare the models "
        "alone: {}.",
        fmt::join(texts, "; "));
  }
  return texts.empty() ? ""
                       : fmt::format(
                             "The runs differ in their {}, and in their models; the other "
                             "terms of training are the same.",
                             texts.front());
}

std::string equal_terms_sentence(const std::vector<RunRecord>& runs) {
  if (runs.size() < 2 || !differences(runs).empty()) {
    return "";
  }
  const RunRecord& first = runs.front();
  const std::string seeds = !have_same_seeds(runs) ? ""
                            : first.seeds.size() == 1
                                ? fmt::format(", with seed {} each", first.seeds.front())
                                : fmt::format(", with seeds {} each", seeds_text(first));
  return fmt::format(
      "{} read {} tokens of the same data in {} steps of {}, with the same optimizer, in {}{}.{}",
      runs.size() == 2 ? "Both" : "All", tokens_text(tokens_read(first)),
      grouped(first.steps.back().step), grouped(tokens_of_a_step(first)),
      to_word(first.config.train.dtype), seeds,
      std::ranges::any_of(runs, [](const RunRecord& run) { return run.seeds.size() < 2; })
          ? " How far seeds alone move these figures, one seed does not tell."
          : "");
}

}  // namespace brt
