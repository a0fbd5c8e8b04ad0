// SPDX-License-Identifier: Apache-2.0
// From run records to series; see report_plots.h.
#include "report/report_plots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace brt {
namespace {

struct CarryLook {
  std::string_view carry;
  std::string_view words;
  LineStyle style;
};

constexpr std::array<CarryLook, 3> kCarryLooks = {
    {{"carried", "", LineStyle::kSolid},
     {"none", ", no state", LineStyle::kDashed},
     {"reset", ", nothing carried", LineStyle::kDotted}}};

/// The training loss as an average that forgets over about a thirtieth of the run.
std::vector<PlotPoint> smoothed(const std::vector<LoggedStep>& steps) {
  const double keep = 1.0 - 1.0 / std::max(1.0, static_cast<double>(steps.size()) / 30.0);
  std::vector<PlotPoint> points;
  double sum = 0.0;
  double weight = 0.0;
  for (const LoggedStep& step : steps) {
    if (std::isfinite(step.bits_per_byte)) {
      sum = keep * sum + step.bits_per_byte;
      weight = keep * weight + 1.0;
      points.push_back({step.tokens, sum / weight});
    }
  }
  return points;
}

/// The first steps' loss is far above the rest: the plot starts where a twentieth of the run is
/// over.
double loss_after_start(const std::vector<PlotPoint>& points) {
  return points.empty() ? 0.0 : points[points.size() / 10].y;
}

/// Geometric middle of an interval; of one that starts at zero, its middle.
double middle(const LossAtPosition& interval) {
  return interval.from > 0.0 ? std::sqrt(interval.from * interval.to) : interval.to / 2;
}

PlotSeries position_series(const RunRecord& run,
                           int color,
                           const CarryLook& look,
                           const EvaluationRecord& evaluation) {
  PlotSeries series = {.label = fmt::format("{}{}", run.name, look.words),
                       .color = color,
                       .style = look.style,
                       .has_markers = look.carry == "carried"};
  for (const LossAtPosition& interval : evaluation.by_position) {
    series.points.push_back({middle(interval), interval.bits_per_token});
    if (interval.range) {
      series.band.push_back({middle(interval), interval.range->low, interval.range->high});
    }
  }
  return series;
}

std::vector<PlotSeries> all_position_series(const std::vector<RunRecord>& runs) {
  std::vector<PlotSeries> all;
  for (size_t index = 0; index < runs.size(); ++index) {
    for (const CarryLook& look : kCarryLooks) {
      if (const EvaluationRecord* evaluation = runs[index].evaluation(std::string(look.carry))) {
        all.push_back(position_series(runs[index], static_cast<int>(index), look, *evaluation));
      }
    }
  }
  return all;
}

/// "layers.2.cell.gate.bias" as "layer 2 gate"; what does not have that form stays.
std::string gate_label(const std::string& name) {
  constexpr std::string_view kPrefix = "layers.";
  const size_t cell = name.find(".cell.");
  if (!name.starts_with(kPrefix) || cell == std::string::npos) {
    return name;
  }
  std::string words = name.substr(cell + std::string_view(".cell.").size());
  std::ranges::replace(words, '.', ' ');
  std::ranges::replace(words, '_', ' ');
  return fmt::format("layer {} {}", name.substr(kPrefix.size(), cell - kPrefix.size()), words);
}

/// Values over tokens by name, from one map of every logged step.
template <class Value, class Append>
std::vector<PlotSeries> series_by_name(const std::vector<LoggedStep>& steps,
                                       std::map<std::string, Value> LoggedStep::* values,
                                       const Append& append) {
  std::map<std::string, PlotSeries> by_name;
  for (const LoggedStep& step : steps) {
    for (const auto& [name, value] : step.*values) {
      append(by_name[name], step.tokens, value);
    }
  }
  std::vector<PlotSeries> all;
  for (auto& [name, series] : by_name) {
    series.label = name;
    series.color = static_cast<int>(all.size());
    all.push_back(std::move(series));
  }
  return all;
}

}  // namespace

Plot learning_curves(const std::vector<RunRecord>& runs) {
  Plot plot = {.title = "Learning curves", .x_label = "tokens read", .y_label = "bits per byte"};
  double largest = 0.0;
  for (size_t index = 0; index < runs.size(); ++index) {
    const int color = static_cast<int>(index);
    // One entry of the legend stands for the pale lines of all runs.
    PlotSeries raw = {.label = index == 0 ? "pale: training as logged, not smoothed" : "",
                      .color = color,
                      .is_faint = true};
    PlotSeries validation = {.label = fmt::format("{}, validation", runs[index].name),
                             .color = color,
                             .style = LineStyle::kDashed,
                             .has_markers = true};
    for (const LoggedStep& step : runs[index].steps) {
      raw.points.push_back({step.tokens, step.bits_per_byte});
      if (step.validation) {
        validation.points.push_back({step.tokens, step.validation->bits_per_byte});
        if (step.validation->range) {
          validation.band.push_back(
              {step.tokens, step.validation->range->low, step.validation->range->high});
        }
      }
    }
    PlotSeries mean = {.label = fmt::format("{}, training", runs[index].name),
                       .color = color,
                       .points = smoothed(runs[index].steps)};
    largest = std::max(largest, loss_after_start(mean.points));
    plot.series.push_back(std::move(raw));
    plot.series.push_back(std::move(mean));
    if (!validation.points.empty()) {
      plot.series.push_back(std::move(validation));
    }
  }
  plot.largest_y = largest;
  return plot;
}

Plot loss_by_position(const std::vector<RunRecord>& runs) {
  return {.title = "Held-out loss by position in the document",
          .x_label = "tokens since the start of the document",
          .y_label = "bits per token",
          .has_log_x = true,
          .series = all_position_series(runs)};
}

Plot loss_difference_by_position(const std::vector<RunRecord>& runs) {
  Plot plot = {.x_label = "tokens since the start of the document",
               .y_label = "difference in bits per token",
               .has_log_x = true,
               .has_zero_line = true};
  const bool is_comparable = std::ranges::all_of(runs, [&runs](const RunRecord& run) {
    return run.config.model.vocab_size == runs.front().config.model.vocab_size;
  });
  std::vector<PlotSeries> all = all_position_series(runs);
  const std::vector<PlotSeries>::iterator base =
      std::ranges::find_if(all, [](const PlotSeries& series) { return series.has_markers; });
  if (!is_comparable || base == all.end()) {
    return plot;
  }
  plot.title = fmt::format("The same, as difference from {} (above 0: worse)", base->label);
  const std::vector<PlotPoint> base_points = base->points;
  all.erase(base);
  for (PlotSeries& series : all) {
    std::vector<PlotPoint> differences;
    for (const PlotPoint& point : series.points) {
      const std::vector<PlotPoint>::const_iterator same =
          std::ranges::find(base_points, point.x, &PlotPoint::x);
      if (same != base_points.end()) {
        differences.push_back({point.x, point.y - same->y});
      }
    }
    series.points = std::move(differences);
    series.band.clear();  // the spread of a difference is not that of its parts
  }
  plot.series = std::move(all);
  return plot;
}

Plot gates_over_time(const RunRecord& run) {
  Plot plot = {.title = fmt::format("Gates of {}: mean, and 1st to 99th percentile", run.name),
               .x_label = "tokens read",
               .y_label = "share of the old value kept or let in"};
  plot.series = series_by_name(run.steps, &LoggedStep::gates,
                               [](PlotSeries& series, double tokens, const LoggedGate& gate) {
                                 series.points.push_back({tokens, gate.mean});
                                 series.band.push_back({tokens, gate.p1, gate.p99});
                               });
  for (PlotSeries& series : plot.series) {
    series.label = gate_label(series.label);
  }
  return plot;
}

Plot state_size_over_time(const RunRecord& run) {
  Plot plot = {.title = fmt::format("Size of the states of {}", run.name),
               .x_label = "tokens read",
               .y_label = "root mean square"};
  plot.series = series_by_name(run.steps, &LoggedStep::state_rms,
                               [](PlotSeries& series, double tokens, double rms) {
                                 series.points.push_back({tokens, rms});
                               });
  for (PlotSeries& series : plot.series) {
    series.label = "layer " + series.label;
  }
  return plot;
}

}  // namespace brt
