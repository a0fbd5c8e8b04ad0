// SPDX-License-Identifier: Apache-2.0
// The word sum in plain loops.
#include "kernels/word_sum.h"
#include "kernels/word_sum_targets.h"

namespace brt::kernels {

uint64_t word_sum_scalar(const uint64_t* words, int64_t lines) {
  uint64_t sums[kWordsOfLine] = {};  // side by side, so that no addition waits for the one before
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t i = 0; i < kWordsOfLine; ++i) {
      sums[i] += words[line * kWordsOfLine + i];
    }
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) {
    total += sum;
  }
  return total;
}

}  // namespace brt::kernels
