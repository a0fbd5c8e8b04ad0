// SPDX-License-Identifier: Apache-2.0
// Settings of sampling, which a saved stream keeps.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace brt {

struct SamplerOptions {
  double temperature = 1.0;         ///< 0: always the most likely token
  int64_t top_k = 0;                ///< keep this many of the most likely tokens; 0: all
  double top_p = 1.0;               ///< keep the fewest tokens that hold this probability; 1: all
  double min_p = 0.0;               ///< drop tokens below this part of the largest probability
  double repetition_penalty = 1.0;  ///< makes recent tokens less likely; 1: off
  int64_t repetition_window = 64;   ///< how many tokens count as recent; 0: none
  uint64_t seed = 1;
  std::vector<std::pair<int32_t, double>> logit_bias = {};  ///< added to logits; -infinity bans
};

/// @throws ConfigError naming the option that is out of range.
void check_sampler_options(const SamplerOptions& options);

}  // namespace brt
