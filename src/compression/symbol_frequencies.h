// SPDX-License-Identifier: Apache-2.0
// A model's prediction as whole numbers, for arithmetic coding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compression/range_coder.h"

namespace brt {

/// The frequencies of `num_tokens` tokens and of one symbol more, which stands for anything else.
///
///   frequency_i = 1 + round(2^m exp(logit_i - largest))    m = 32, less from 2^14 symbols on
///   frequency of the last symbol = 1
///
/// The same logits give the same frequencies on every machine: the exponential is sums and products
/// of float64, compiled without contraction. No token is impossible; the ones added cost less than
/// num_tokens * 2^-m of the probability.
class SymbolFrequencies {
 public:
  /// @throws Error if there are more than 2^20 tokens.
  explicit SymbolFrequencies(int64_t num_tokens);

  int64_t num_symbols() const { return static_cast<int64_t>(frequencies_.size()); }

  /// Frequencies from the first num_tokens of `logits_V`; no logits: all symbols alike, as before a
  /// document's first token. @throws Error if the logits are not finite or too few.
  void predict(std::span<const float> logits_V);

  FrequencyRange range_of(int64_t symbol) const;
  uint64_t total() const { return total_; }
  /// The symbol whose range holds `position`, which is below total().
  int64_t symbol_at(uint64_t position) const;

 private:
  double scale_ = 1.0;  ///< 2^m
  std::vector<uint64_t> frequencies_;
  uint64_t total_ = 0;
};

}  // namespace brt
