// SPDX-License-Identifier: Apache-2.0
// The ranges of the settings.
#include "engine/sampler_options.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"

namespace brt {
namespace {

void check_option(bool valid, const std::string& name, const std::string& range, double value) {
  if (!valid) {
    throw ConfigError("sampler: " + name + " must be " + range + ", got " + std::to_string(value));
  }
}

}  // namespace

void check_sampler_options(const SamplerOptions& options) {
  check_option(std::isfinite(options.temperature) && options.temperature >= 0.0, "temperature",
               "at least 0", options.temperature);
  check_option(options.top_k >= 0, "top_k", "at least 0", static_cast<double>(options.top_k));
  check_option(options.top_p > 0.0 && options.top_p <= 1.0, "top_p", "above 0 and at most 1",
               options.top_p);
  check_option(options.min_p >= 0.0 && options.min_p <= 1.0, "min_p", "from 0 to 1", options.min_p);
  check_option(std::isfinite(options.repetition_penalty) && options.repetition_penalty > 0.0,
               "repetition_penalty", "above 0", options.repetition_penalty);
  check_option(options.repetition_window >= 0, "repetition_window", "at least 0",
               static_cast<double>(options.repetition_window));
  for (const auto& [token, bias] : options.logit_bias) {
    check_option(token >= 0, "the token of a logit_bias", "at least 0", token);
    check_option(!std::isnan(bias) && bias < std::numeric_limits<double>::infinity(), "logit_bias",
                 "a number or -inf", bias);
  }
}

}  // namespace brt
