// SPDX-License-Identifier: Apache-2.0
// Words for comparisons; see report_summary.h.
#include "report/report_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/report_terms.h"

namespace brt {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// Differences below these fractions of the loss are called level and small: runs that differ by
// their seed alone differ by a few thousandths.
constexpr double kLevel = 0.002;
constexpr double kSmall = 0.01;
// An evaluation in another mode is of the same weights, so less already tells something.
constexpr double kUnused = 0.0005;

std::string percent(double fraction) {
  return fmt::format("{:.{}f} %", 100 * fraction, fraction < 0.001 ? 2 : 1);
}

bool all_have(const std::vector<RunRecord>& runs, const std::string& carry) {
  return std::ranges::all_of(
      runs, [&carry](const RunRecord& run) { return run.evaluation(carry) != nullptr; });
}

const LoggedValidation* last_validation(const RunRecord& run) {
  for (size_t index = run.steps.size(); index-- > 0;) {
    if (run.steps[index].validation) {
      return &*run.steps[index].validation;
    }
  }
  return nullptr;
}

/// Indices of the runs with a headline figure, lowest loss first.
std::vector<size_t> ranking(const std::vector<double>& bits) {
  std::vector<size_t> order(bits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&bits](size_t index) { return !std::isfinite(bits[index]); });
  std::ranges::stable_sort(order, {}, [&bits](size_t index) { return bits[index]; });
  return order;
}

std::string measured_on(const std::vector<RunRecord>& runs) {
  if (!all_have(runs, "carried")) {
    return "In the last validation during training";
  }
  const EvaluationRecord& first = *runs.front().evaluation("carried");
  return fmt::format("On {} held-out documents (split {}, {:.2f} MB)", first.documents, first.split,
                     static_cast<double>(first.bytes) / 1e6);
}

/// The headline figure of one run.
struct Headline {
  std::string name;
  double bits = 0.0;
  std::optional<SeedRange> range;

  std::string text() const {
    return range ? fmt::format("{:.3f} ({:.3f} to {:.3f} by seed)", bits, range->low, range->high)
                 : fmt::format("{:.3f}", bits);
  }
};

/// Whether the seeds of two runs lie among each other, so that other seeds might be the other way
/// round.
bool overlap(const Headline& best, const Headline& other) {
  return best.range && other.range && best.range->high >= other.range->low;
}

bool are_level(const Headline& best, const Headline& other) {
  return 1.0 - best.bits / other.bits < kLevel || overlap(best, other);
}

std::string ranking_sentence(const std::string& where,
                             const Headline& best,
                             const Headline& other) {
  const double fewer = 1.0 - best.bits / other.bits;
  if (are_level(best, other)) {
    return fmt::format("{}, {} and {} are level: {} and {} bits per byte, which is {} apart{}.",
                       where, best.name, other.name, best.text(), other.text(), percent(fewer),
                       overlap(best, other) ? ", less than their seeds are" : "");
  }
  return fmt::format("{}, {} is {}ahead of {}: {} against {} bits per byte, {} fewer.", where,
                     best.name, fewer < kSmall ? "slightly " : "", other.name, best.text(),
                     other.text(), percent(fewer));
}

/// What that means for recurrence, if one of the two is recurrent and the other is not; nothing if
/// they were trained on other terms.
std::string verdict_sentence(const RunRecord& best, const RunRecord& other, bool is_level) {
  if (best.is_recurrent() == other.is_recurrent() || !are_on_equal_terms(best, other)) {
    return "";
  }
  if (is_level) {
    return "So in these runs the recurrent state neither pays nor costs.";
  }
  return best.is_recurrent()
             ? "So in these runs the recurrent state pays for itself."
             : "So in these runs the baseline without a recurrent state is the better model.";
}

struct Lead {
  double from = 0.0;
  double to = 0.0;
  double bits = 0.0;  ///< how much lower the first run's loss is
};

std::vector<Lead> leads_by_position(const EvaluationRecord& first, const EvaluationRecord& second) {
  std::vector<Lead> leads;
  for (const LossAtPosition& left : first.by_position) {
    for (const LossAtPosition& right : second.by_position) {
      if (left.from == right.from && left.to == right.to) {
        leads.push_back({left.from, left.to, right.bits_per_token - left.bits_per_token});
      }
    }
  }
  std::erase_if(leads, [](const Lead& lead) { return !std::isfinite(lead.bits); });
  return leads;
}

std::string interval_text(const Lead& lead) {
  return fmt::format("tokens {} to {}", grouped(lead.from), grouped(lead.to));
}

/// Where the first run is not ahead, intervals that touch joined.
std::vector<Lead> stretches_behind(const std::vector<Lead>& leads) {
  std::vector<Lead> stretches;
  for (const Lead& lead : leads) {
    if (lead.bits > 0.0) {
      continue;
    }
    if (!stretches.empty() && stretches.back().to == lead.from) {
      stretches.back().to = lead.to;
    } else {
      stretches.push_back(lead);
    }
  }
  return stretches;
}

std::string where_sentence(const RunRecord& best, const RunRecord& other) {
  const EvaluationRecord* first = best.evaluation("carried");
  const EvaluationRecord* second = other.evaluation("carried");
  if (first == nullptr || second == nullptr ||
      best.config.model.vocab_size != other.config.model.vocab_size) {
    return "";
  }
  const std::vector<Lead> leads = leads_by_position(*first, *second);
  if (leads.size() < 2) {
    return "";
  }
  const auto [smallest, largest] = std::ranges::minmax_element(leads, {}, &Lead::bits);
  if (smallest->bits > 0.0) {
    return fmt::format(
        "{} is ahead at every distance from the start of a document: most at {} ({:.3f} bits per "
        "token), "
        "least at {} ({:.3f}).",
        best.name, interval_text(*largest), largest->bits, interval_text(*smallest),
        smallest->bits);
  }
  std::vector<std::string> behind;
  for (const Lead& stretch : stretches_behind(leads)) {
    behind.push_back(interval_text(stretch));
  }
  return fmt::format(
      "{} leads most at {} of a document (by {:.3f} bits per token); {} is ahead at {} (at most by "
      "{:.3f}).",
      best.name, interval_text(*largest), largest->bits, other.name, fmt::join(behind, ", "),
      -smallest->bits);
}

std::string change_text(double from, double to) {
  return fmt::format("{:.3f} bits per byte instead of {:.3f} ({:+.3f}, {})", to, from, to - from,
                     percent(std::abs(to / from - 1.0)));
}

/// What the state is worth: its carry over segments against a state that is zeroed at each.
std::string state_sentence(const RunRecord& run) {
  const EvaluationRecord* carried = run.evaluation("carried");
  const EvaluationRecord* none = run.evaluation("none");
  if (!run.is_recurrent() || carried == nullptr || none == nullptr) {
    return "";
  }
  const double cost = none->bits_per_byte / carried->bits_per_byte - 1.0;
  const char* meaning =
      cost < -kUnused  ? "what the state brings from the segment before does harm"
      : cost < kUnused ? "what the state brings from the segment before is hardly used"
      : cost < kSmall  ? "what the state brings from the segment before helps a little"
                       : "what the state brings from the segment before helps";
  return fmt::format(
      "{} with its state zeroed at the start of every segment of {} tokens has {}: {}.", run.name,
      run.config.model.segment, change_text(carried->bits_per_byte, none->bits_per_byte), meaning);
}

std::string reset_sentence(const RunRecord& run) {
  const EvaluationRecord* carried = run.evaluation("carried");
  const EvaluationRecord* reset = run.evaluation("reset");
  if (carried == nullptr || reset == nullptr) {
    return "";
  }
  return fmt::format("{} without anything carried from segment to segment has {}.", run.name,
                     change_text(carried->bits_per_byte, reset->bits_per_byte));
}

std::string size_sentence(const std::vector<RunRecord>& runs) {
  std::vector<std::string> parts;
  for (const RunRecord& run : runs) {
    const double speed = median_speed(run);
    parts.push_back(
        fmt::format("{} has {} parameters in {} layers and read {:.2f} million tokens{}", run.name,
                    grouped(count_parameters(run.config.model)), run.config.model.num_layers,
                    run.steps.back().tokens / 1e6,
                    std::isfinite(speed) ? fmt::format(" at {} a second", grouped(speed)) : ""));
  }
  return fmt::format("{}.", fmt::join(parts, "; "));
}

}  // namespace

std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  const std::string sign = value < 0 ? "-" : "";
  digits.erase(0, sign.size());
  for (size_t digit = digits.size(); digit > 3;) {
    digit -= 3;
    digits.insert(digits.begin() + static_cast<std::ptrdiff_t>(digit), ',');
  }
  return sign + digits;
}

std::string grouped(double value) {
  constexpr double kLargestExact = 0x1p53;
  return std::abs(value) <= kLargestExact ? grouped(static_cast<int64_t>(std::llround(value)))
                                          : fmt::format("{:.3g}", value);
}

double median_speed(const RunRecord& run) {
  std::vector<double> speeds;
  for (const LoggedStep& step : run.steps) {
    if (std::isfinite(step.tokens_per_second)) {
      speeds.push_back(step.tokens_per_second);
    }
  }
  if (speeds.empty()) {
    return kNotANumber;
  }
  std::ranges::nth_element(speeds, speeds.begin() + static_cast<std::ptrdiff_t>(speeds.size() / 2));
  return speeds[speeds.size() / 2];
}

std::vector<double> headline_bits_per_byte(const std::vector<RunRecord>& runs) {
  const bool is_evaluated = all_have(runs, "carried");
  std::vector<double> bits;
  for (const RunRecord& run : runs) {
    const LoggedValidation* validation = last_validation(run);
    bits.push_back(is_evaluated            ? run.evaluation("carried")->bits_per_byte
                   : validation != nullptr ? validation->bits_per_byte
                                           : kNotANumber);
  }
  return bits;
}

std::vector<std::optional<SeedRange>> headline_ranges(const std::vector<RunRecord>& runs) {
  const bool is_evaluated = all_have(runs, "carried");
  std::vector<std::optional<SeedRange>> ranges;
  for (const RunRecord& run : runs) {
    const LoggedValidation* validation = last_validation(run);
    ranges.push_back(is_evaluated            ? run.evaluation("carried")->range
                     : validation != nullptr ? validation->range
                                             : std::nullopt);
  }
  return ranges;
}

std::vector<std::string> summarize_runs(const std::vector<RunRecord>& runs) {
  const std::vector<double> bits = headline_bits_per_byte(runs);
  const std::vector<std::optional<SeedRange>> ranges = headline_ranges(runs);
  const std::vector<size_t> order = ranking(bits);
  const auto headline = [&](size_t index) {
    return Headline{.name = runs[index].name, .bits = bits[index], .range = ranges[index]};
  };
  std::vector<std::string> sentences = {differences_sentence(runs)};
  if (order.size() == 1) {
    sentences.push_back(fmt::format("{}, {} has {} bits per byte.", measured_on(runs),
                                    runs[order[0]].name, headline(order[0]).text()));
  }
  for (size_t rank = 1; rank < order.size(); ++rank) {
    const size_t best = order.front();
    const size_t other = order[rank];
    sentences.push_back(ranking_sentence(measured_on(runs), headline(best), headline(other)));
    sentences.push_back(
        verdict_sentence(runs[best], runs[other], are_level(headline(best), headline(other))));
    sentences.push_back(where_sentence(runs[best], runs[other]));
  }
  sentences.push_back(equal_terms_sentence(runs));
  for (const RunRecord& run : runs) {
    sentences.push_back(state_sentence(run));
    sentences.push_back(reset_sentence(run));
  }
  sentences.push_back(size_sentence(runs));
  std::erase(sentences, "");
  return sentences;
}

}  // namespace brt
