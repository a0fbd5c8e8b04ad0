// SPDX-License-Identifier: Apache-2.0
// First values of all parameters (model.md, "Pieces", "Gates", "The recurrent layer").
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "model/language_model.h"

namespace brt {
namespace {

/// Standard deviation of a standard normal cut off at two standard deviations.
constexpr double kTruncatedDeviation = 0.87962566103423978;

/// Normal, cut at two standard deviations and widened to the given variance: inverse of the
/// cumulative distribution over uniform numbers.
at::Tensor truncated_normal(at::IntArrayRef sizes,
                            double variance,
                            const at::Generator& generator) {
  const double tail = std::erf(2.0 / std::sqrt(2.0));
  const double deviation = std::sqrt(variance) / kTruncatedDeviation;
  at::Tensor values = at::empty(sizes, at::kFloat);
  values.uniform_(-tail, tail, generator).erfinv_().mul_(std::sqrt(2.0) * deviation);
  return values.clamp_(-2.0 * deviation, 2.0 * deviation);
}

at::Tensor normal(at::IntArrayRef sizes, double deviation, const at::Generator& generator) {
  at::Tensor values = at::empty(sizes, at::kFloat);
  return values.normal_(0.0, deviation, generator);
}

bool has(std::string_view name, std::string_view part) { return name.find(part) != name.npos; }

at::Tensor initial_value(const std::string& name,
                         const at::Tensor& like,
                         const at::Generator& generator) {
  const at::IntArrayRef sizes = like.sizes();
  if (has(name, "norm.weight") || name.ends_with("scale")) {
    return at::empty(sizes, at::kFloat).fill_(1.0);
  }
  if (name == "embedding.weight" || name.ends_with("state_ids")) {
    return normal(sizes, 1.0, generator);
  }
  if (name.ends_with("initial_state") || name.ends_with(".bias")) {
    return normal(sizes, 0.1, generator);
  }
  if (name.ends_with("position_bias")) {
    return normal(sizes, std::sqrt(1.0 / static_cast<double>(sizes[1])), generator);
  }
  if (name.ends_with(".weight")) {
    const bool in_gate = has(name, "gate.");
    return truncated_normal(sizes, (in_gate ? 0.1 : 1.0) / static_cast<double>(sizes[1]),
                            generator);
  }
  throw ConfigError(fmt::format("initialize: no rule for parameter {}", name));
}

}  // namespace

void initialize(LanguageModel& model, uint64_t seed) {
  const at::NoGradGuard no_gradient;
  for (const auto& parameter : model->named_parameters()) {
    const std::string& name = parameter.key();
    const at::Generator generator =
        at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, name, {}));
    parameter.value().copy_(initial_value(name, parameter.value(), generator));
  }
}

}  // namespace brt
