// SPDX-License-Identifier: Apache-2.0
// Draws the next token from logits.
#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

namespace brt {

struct SamplerOptions {
  double temperature = 1.0;         ///< 0: always the most likely token
  int64_t top_k = 0;                ///< keep this many of the most likely tokens; 0: all
  double top_p = 1.0;               ///< keep the fewest tokens that hold this probability; 1: all
  double min_p = 0.0;               ///< drop tokens below this part of the largest probability
  double repetition_penalty = 1.0;  ///< makes recent tokens less likely; 1: off
  int64_t repetition_window = 64;   ///< how many tokens count as recent; 0: none
  uint64_t seed = 1;
};

/// Draws tokens. The steps, in this order: repetition penalty, top-k, top-p, min-p, temperature.
///
///   penalty   positive logits of recent tokens are divided by it, negative ones multiplied
///   top-p     over what top-k left, renormalised; the token that reaches the probability is kept
///   min-p     likewise, relative to the most likely token
///   draw      softmax(logit / temperature) of what is left, in float64
///
/// A draw depends on the seed and the token's place in its document only, so that a stream that was
/// saved goes on as it would have.
class Sampler {
 public:
  /// @throws ConfigError naming the option that is out of range.
  explicit Sampler(const SamplerOptions& options);

  /// The token at `position` of its document.
  /// @param logits_V  float32, on the CPU
  /// @param recent    the tokens before, oldest first; the last repetition_window of them count
  /// @throws Error if the logits are not finite.
  int32_t sample(const at::Tensor& logits_V,
                 std::span<const int32_t> recent,
                 int64_t position) const;

  const SamplerOptions& options() const { return options_; }

 private:
  SamplerOptions options_;
};

}  // namespace brt
