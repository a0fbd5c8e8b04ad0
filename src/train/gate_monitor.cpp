// SPDX-License-Identifier: Apache-2.0
// Figures of the recurrent cells for the log: gates and the size of the state.
#include "train/gate_monitor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "optim/sum_of_squares.h"

namespace brt {
namespace {

/// The smallest value that at least this share of the values does not exceed.
double nearest_rank(std::vector<float>& values, double share) {
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  const std::ptrdiff_t index = std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank) - 1, 0);
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return static_cast<double>(values[static_cast<size_t>(index)]);
}

GateSummary summarize(std::vector<float>& values) {
  const bool is_finite =
      std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
  if (values.empty() || !is_finite) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {.mean = nan, .p1 = nan, .p99 = nan};
  }
  double sum = 0.0;
  for (const float value : values) {
    sum += static_cast<double>(value);
  }
  return {.mean = sum / static_cast<double>(values.size()),
          .p1 = nearest_rank(values, 0.01),
          .p99 = nearest_rank(values, 0.99)};
}

}  // namespace

std::map<std::string, GateSummary> summarize_gates(const GateLog& log) {
  std::map<std::string, std::vector<float>> values_of;
  for (const GateLog::Entry& entry : log.entries) {
    const at::Tensor values = entry.values.to(at::kFloat).contiguous();
    const float* data = values.const_data_ptr<float>();
    std::vector<float>& joined = values_of[entry.name];
    joined.insert(joined.end(), data, data + values.numel());
  }
  std::map<std::string, GateSummary> summaries;
  for (auto& [name, values] : values_of) {
    summaries[name] = summarize(values);
  }
  return summaries;
}

std::map<int64_t, double> state_rms(const Carry& carry) {
  std::map<int64_t, double> rms;
  for (size_t i = 0; i < carry.layers.size(); ++i) {
    const at::Tensor& state_BSD = carry.layers[i].state_BSD;
    if (state_BSD.defined() && state_BSD.numel() > 0) {
      const double size = static_cast<double>(state_BSD.numel());
      rms[static_cast<int64_t>(i)] = std::sqrt(sum_of_squares(state_BSD) / size);
    }
  }
  return rms;
}

}  // namespace brt
