// SPDX-License-Identifier: Apache-2.0
// Figures of the recurrent cells for the log: gates and the size of the state.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "model/carry.h"
#include "model/forward_options.h"

namespace brt {

/// Mean and percentiles (nearest rank) of a gate's values. All NaN if any value is not finite.
struct GateSummary {
  double mean = 0.0;
  double p1 = 0.0;
  double p99 = 0.0;
};

/// By gate name; entries of one name are taken together.
std::map<std::string, GateSummary> summarize_gates(const GateLog& log);

/// Root mean square of each recurrent layer's state, by layer index.
std::map<int64_t, double> state_rms(const Carry& carry);

}  // namespace brt
