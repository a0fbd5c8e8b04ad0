// SPDX-License-Identifier: Apache-2.0
// Logits to whole numbers, the same ones on every machine.
#include "compression/symbol_frequencies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/exp_double.h"

namespace brt {
namespace {

constexpr int64_t kMostTokens = int64_t{1} << 20;
constexpr int kMostScaleBits = 32;
constexpr int kTotalBits = static_cast<int>(std::bit_width(kMaxFrequencyTotal)) - 1;

}  // namespace

SymbolFrequencies::SymbolFrequencies(int64_t num_tokens) {
  if (num_tokens < 1 || num_tokens > kMostTokens) {
    throw Error("compression: a vocabulary of 1 to " + std::to_string(kMostTokens) +
                " tokens is possible, the model's is " + std::to_string(num_tokens));
  }
  // All tokens alike would sum to num_tokens * (2^m + 1) + 1, which must not pass 2^46.
  const int token_bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(num_tokens) + 1));
  scale_ = std::ldexp(1.0, std::min(kMostScaleBits, kTotalBits - 1 - token_bits));
  frequencies_.assign(static_cast<size_t>(num_tokens) + 1, 1);
  total_ = frequencies_.size();
}

void SymbolFrequencies::predict(std::span<const float> logits_V) {
  const size_t num_tokens = frequencies_.size() - 1;
  if (logits_V.empty()) {
    std::ranges::fill(frequencies_, 1);
    total_ = frequencies_.size();
    return;
  }
  if (logits_V.size() < num_tokens) {
    throw Error("compression: " + std::to_string(num_tokens) + " logits are needed, got " +
                std::to_string(logits_V.size()));
  }
  float largest = logits_V[0];
  bool finite = true;
  for (const float logit : logits_V.first(num_tokens)) {
    largest = std::max(largest, logit);
    finite = finite && std::isfinite(logit);
  }
  if (!finite) {
    throw Error("compression: a logit of the model is not finite",
                "the model's weights are damaged or its training diverged");
  }
  constexpr double kWhole = 0x1p52;  // adding it rounds and leaves a whole number in the last bits
  const double top = static_cast<double>(largest);
  for (size_t token = 0; token < num_tokens; ++token) {
    const double share = exp_of_nonpositive(static_cast<double>(logits_V[token]) - top) * scale_;
    frequencies_[token] =
        std::bit_cast<uint64_t>(share + kWhole) - std::bit_cast<uint64_t>(kWhole) + 1;
  }
  frequencies_[num_tokens] = 1;
  total_ = std::accumulate(frequencies_.begin(), frequencies_.end(), uint64_t{0});
}

FrequencyRange SymbolFrequencies::range_of(int64_t symbol) const {
  const std::vector<uint64_t>::const_iterator at = frequencies_.begin() + symbol;
  return {.begin = std::accumulate(frequencies_.begin(), at, uint64_t{0}),
          .size = *at,
          .total = total_};
}

int64_t SymbolFrequencies::symbol_at(uint64_t position) const {
  size_t symbol = 0;
  while (symbol + 1 < frequencies_.size() && position >= frequencies_[symbol]) {
    position -= frequencies_[symbol];
    ++symbol;
  }
  return static_cast<int64_t>(symbol);
}

}  // namespace brt
