// SPDX-License-Identifier: Apache-2.0
// The steps of sampling, in the order in which they are applied.
#include "generate/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/seeded_random.h"

namespace brt {
namespace {

[[noreturn]] void fail_not_finite(size_t token) {
  throw Error("sampler: the logit of token " + std::to_string(token) + " is not finite",
              "the model's weights are damaged or its training diverged");
}

/// The first of the largest, when nothing changes the logits. Maxima side by side are vectors to
/// the compiler.
int32_t most_likely(std::span<const float> logits_V) {
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> largest;
  std::array<float, kLanes> differences = {};  // of each logit from itself: NaN if not finite
  largest.fill(logits_V[0]);
  const size_t whole = logits_V.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float logit = logits_V[i + lane];
      largest[lane] = logit > largest[lane] ? logit : largest[lane];
      differences[lane] += logit - logit;
    }
  }
  for (size_t i = whole; i < logits_V.size(); ++i) {
    largest[0] = std::max(largest[0], logits_V[i]);
    differences[0] += logits_V[i] - logits_V[i];
  }
  if (std::ranges::any_of(differences, [](float sum) { return sum != 0.0F; })) {
    const auto first =
        std::ranges::find_if(logits_V, [](float logit) { return !std::isfinite(logit); });
    fail_not_finite(static_cast<size_t>(first - logits_V.begin()));
  }
  const float maximum = *std::ranges::max_element(largest);
  return static_cast<int32_t>(std::ranges::find(logits_V, maximum) - logits_V.begin());
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
  check_sampler_options(options_);
}

int32_t Sampler::sample(std::span<const float> logits_V,
                        std::span<const int32_t> recent,
                        int64_t position) {
  if (logits_V.empty()) {
    throw Error("sampler: there are no logits to draw from");
  }
  const bool penalizes = options_.repetition_penalty != 1.0 && options_.repetition_window > 0;
  if (options_.temperature == 0.0 && options_.logit_bias.empty() && !penalizes) {
    return most_likely(logits_V);
  }
  read_candidates(logits_V);
  add_bias();
  if (penalizes) {
    const size_t window = static_cast<size_t>(options_.repetition_window);
    penalize(recent.last(std::min(window, recent.size())));
  }
  drop_banned();
  if (options_.temperature == 0.0) {
    return std::min_element(candidates_.begin(), candidates_.end(), more_likely)->token;
  }
  keep_top_k();
  keep_top_p();
  keep_min_p();
  SeededRandom random(derive_seed(options_.seed, "token", {position}));
  return draw(random.uniform());
}

/// Most likely first; equal logits by token.
bool Sampler::more_likely(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

void Sampler::read_candidates(std::span<const float> logits_V) {
  candidates_.resize(logits_V.size());
  for (size_t token = 0; token < logits_V.size(); ++token) {
    if (!std::isfinite(logits_V[token])) {
      fail_not_finite(token);
    }
    candidates_[token] = {static_cast<int32_t>(token), static_cast<double>(logits_V[token])};
  }
}

void Sampler::add_bias() {
  for (const auto& [token, bias] : options_.logit_bias) {
    if (static_cast<size_t>(token) >= candidates_.size()) {
      throw ConfigError("sampler: logit_bias names token " + std::to_string(token) +
                        ", but tokens are below " + std::to_string(candidates_.size()));
    }
    candidates_[static_cast<size_t>(token)].logit += bias;
  }
}

/// Candidates are still in the order of tokens.
void Sampler::penalize(std::span<const int32_t> recent) {
  distinct_.assign(recent.begin(), recent.end());
  std::sort(distinct_.begin(), distinct_.end());
  distinct_.erase(std::unique(distinct_.begin(), distinct_.end()), distinct_.end());
  for (const int32_t token : distinct_) {
    if (static_cast<size_t>(token) >= candidates_.size()) {
      continue;  // outside the tokens that may be drawn
    }
    double& logit = candidates_[static_cast<size_t>(token)].logit;
    logit = logit > 0.0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
  }
}

void Sampler::drop_banned() {
  std::erase_if(candidates_,
                [](const Candidate& candidate) { return std::isinf(candidate.logit); });
  if (candidates_.empty()) {
    throw Error("sampler: every token is banned by a logit bias of -inf");
  }
}

void Sampler::keep_top_k() {
  const size_t top_k = static_cast<size_t>(options_.top_k);
  if (top_k > 0 && top_k < candidates_.size()) {
    std::partial_sort(candidates_.begin(), candidates_.begin() + options_.top_k, candidates_.end(),
                      more_likely);
    candidates_.resize(top_k);
  }
}

void Sampler::keep_top_p() {
  if (options_.top_p >= 1.0) {
    return;
  }
  std::sort(candidates_.begin(), candidates_.end(), more_likely);
  const double wanted = options_.top_p * weigh(/*temperature=*/1.0);
  double reached = 0.0;
  size_t kept = 0;
  while (kept < weights_.size() && (kept == 0 || reached < wanted)) {
    reached += weights_[kept];
    ++kept;
  }
  candidates_.resize(kept);
}

void Sampler::keep_min_p() {
  if (options_.min_p <= 0.0) {
    return;
  }
  const double lowest = largest_logit() + std::log(options_.min_p);
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.logit < lowest; });
}

double Sampler::largest_logit() const {
  return std::min_element(candidates_.begin(), candidates_.end(), more_likely)->logit;
}

double Sampler::weigh(double temperature) {
  const double largest = largest_logit();
  weights_.clear();
  double sum = 0.0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp((candidate.logit - largest) / temperature));
    sum += weights_.back();
  }
  return sum;
}

int32_t Sampler::draw(double uniform) {
  double remaining = uniform * weigh(options_.temperature);
  size_t last_possible = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (weights_[i] > 0.0) {
      if (remaining < weights_[i]) {
        return candidates_[i].token;
      }
      last_possible = i;
    }
    remaining -= weights_[i];
  }
  return candidates_[last_possible].token;  // rounding left a remainder
}

}  // namespace brt
