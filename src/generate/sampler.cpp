// SPDX-License-Identifier: Apache-2.0
// The steps of sampling, in the order in which they are applied.
#include "generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/seeded_random.h"

namespace brt {
namespace {

struct Candidate {
  int32_t token = 0;
  double logit = 0.0;
};

/// Most likely first; equal logits by token.
bool more_likely(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

void check_option(bool valid, const std::string& name, const std::string& range, double value) {
  if (!valid) {
    throw ConfigError("sampler: " + name + " must be " + range + ", got " + std::to_string(value));
  }
}

std::vector<Candidate> read_candidates(const at::Tensor& logits_V) {
  if (!logits_V.defined() || logits_V.dim() != 1 || logits_V.scalar_type() != at::kFloat) {
    throw ShapeError("sampler: logits_V must be float32 [V]");
  }
  const at::Tensor contiguous_V = logits_V.contiguous();
  const float* logits = contiguous_V.data_ptr<float>();
  std::vector<Candidate> candidates(static_cast<size_t>(logits_V.numel()));
  for (size_t token = 0; token < candidates.size(); ++token) {
    if (!std::isfinite(logits[token])) {
      throw Error("sampler: the logit of token " + std::to_string(token) + " is not finite",
                  "the model's weights are damaged or its training diverged");
    }
    candidates[token] = {static_cast<int32_t>(token), static_cast<double>(logits[token])};
  }
  return candidates;
}

/// Candidates are still in the order of tokens.
void penalize(std::vector<Candidate>& candidates, std::span<const int32_t> recent, double penalty) {
  std::vector<int32_t> distinct(recent.begin(), recent.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (const int32_t token : distinct) {
    if (static_cast<size_t>(token) >= candidates.size()) {
      continue;  // outside the tokens that may be drawn
    }
    double& logit = candidates[static_cast<size_t>(token)].logit;
    logit = logit > 0.0 ? logit / penalty : logit * penalty;
  }
}

void keep_top_k(std::vector<Candidate>& candidates, int64_t top_k) {
  if (top_k < static_cast<int64_t>(candidates.size())) {
    std::partial_sort(candidates.begin(), candidates.begin() + top_k, candidates.end(),
                      more_likely);
    candidates.resize(static_cast<size_t>(top_k));
  }
}

double largest_logit(const std::vector<Candidate>& candidates) {
  return std::min_element(candidates.begin(), candidates.end(), more_likely)->logit;
}

/// exp((logit - largest) / temperature) of each: probabilities but for their common factor.
std::vector<double> weights_of(const std::vector<Candidate>& candidates, double temperature) {
  const double largest = largest_logit(candidates);
  std::vector<double> weights;
  weights.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    weights.push_back(std::exp((candidate.logit - largest) / temperature));
  }
  return weights;
}

double sum_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum;
}

void keep_top_p(std::vector<Candidate>& candidates, double top_p) {
  std::sort(candidates.begin(), candidates.end(), more_likely);
  const std::vector<double> weights = weights_of(candidates, /*temperature=*/1.0);
  const double wanted = top_p * sum_of(weights);
  double reached = 0.0;
  size_t kept = 0;
  while (kept < weights.size() && (kept == 0 || reached < wanted)) {
    reached += weights[kept];
    ++kept;
  }
  candidates.resize(kept);
}

void keep_min_p(std::vector<Candidate>& candidates, double min_p) {
  const double lowest = largest_logit(candidates) + std::log(min_p);
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.logit < lowest; });
}

int32_t draw(const std::vector<Candidate>& candidates, double temperature, double uniform) {
  const std::vector<double> weights = weights_of(candidates, temperature);
  double remaining = uniform * sum_of(weights);
  size_t last_possible = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (weights[i] > 0.0) {
      if (remaining < weights[i]) {
        return candidates[i].token;
      }
      last_possible = i;
    }
    remaining -= weights[i];
  }
  return candidates[last_possible].token;  // rounding left a remainder
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
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
}

int32_t Sampler::sample(const at::Tensor& logits_V,
                        std::span<const int32_t> recent,
                        int64_t position) const {
  std::vector<Candidate> candidates = read_candidates(logits_V);
  const size_t window = static_cast<size_t>(options_.repetition_window);
  if (options_.repetition_penalty != 1.0) {
    penalize(candidates, recent.last(std::min(window, recent.size())), options_.repetition_penalty);
  }
  if (options_.temperature == 0.0) {
    return std::min_element(candidates.begin(), candidates.end(), more_likely)->token;
  }
  if (options_.top_k > 0) {
    keep_top_k(candidates, options_.top_k);
  }
  if (options_.top_p < 1.0) {
    keep_top_p(candidates, options_.top_p);
  }
  if (options_.min_p > 0.0) {
    keep_min_p(candidates, options_.min_p);
  }
  SeededRandom random(derive_seed(options_.seed, "token", {position}));
  return draw(candidates, options_.temperature, random.uniform());
}

}  // namespace brt
