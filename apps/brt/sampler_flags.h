// SPDX-License-Identifier: Apache-2.0
// The flags of sampling: what is given replaces what a saved state brings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "generate/sampler.h"

namespace brt {

struct SamplerFlags {
  std::optional<double> temperature;
  std::optional<int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<int64_t> repetition_window;
  std::optional<uint64_t> seed;
  std::vector<std::string> logit_bias;  ///< "TOKEN=BIAS"
};

/// `flags` must live as long as the app.
void add_sampler_flags(CLI::App& verb, SamplerFlags& flags);

/// `saved` with the flags that were given. @throws ConfigError if a value is out of range or a
/// logit bias is not of its form.
SamplerOptions apply_sampler_flags(const SamplerFlags& flags, const SamplerOptions& saved);

}  // namespace brt
