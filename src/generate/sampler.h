// SPDX-License-Identifier: Apache-2.0
// Draws the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sampler_options.h"

namespace brt {

/// Draws tokens. The steps, in this order: logit bias, repetition penalty, top-k, top-p, min-p,
/// temperature.
///
///   bias      added to the logits of its tokens; of several for one token the sum
///   penalty   positive logits of recent tokens are divided by it, negative ones multiplied
///   top-p     over what top-k left, renormalised; the token that reaches the probability is kept
///   min-p     likewise, relative to the most likely token
///   draw      softmax(logit / temperature) of what is left, in float64
///
/// A draw depends on the seed and the token's position in its document only, so that a stream that
/// was saved goes on as it would have. Reuses its memory from draw to draw.
class Sampler {
 public:
  /// @throws ConfigError as check_sampler_options.
  explicit Sampler(const SamplerOptions& options);

  /// The token at `position` of its document.
  /// @param logits_V  logits of the tokens that may be drawn
  /// @param recent    the tokens before, oldest first; the last repetition_window of them count
  /// @throws Error if the logits are not finite or every token is banned, ConfigError if there is a
  /// bias for a token outside of the logits.
  int32_t sample(std::span<const float> logits_V,
                 std::span<const int32_t> recent,
                 int64_t position);

  const SamplerOptions& options() const { return options_; }

 private:
  struct Candidate {
    int32_t token = 0;
    double logit = 0.0;
  };

  SamplerOptions options_;
  std::vector<Candidate> candidates_;  ///< what may still be drawn
  std::vector<double> weights_;        ///< of the candidates: probabilities but for a factor
  std::vector<int32_t> distinct_;      ///< recent tokens, each once

  static bool more_likely(const Candidate& a, const Candidate& b);
  void read_candidates(std::span<const float> logits_V);
  void add_bias();
  void penalize(std::span<const int32_t> recent);
  void drop_banned();
  void keep_top_k();
  void keep_top_p();
  void keep_min_p();
  double largest_logit() const;
  /// Sets the weights to exp((logit - largest) / temperature); returns their sum.
  double weigh(double temperature);
  int32_t draw(double uniform);
};

}  // namespace brt
