// SPDX-License-Identifier: Apache-2.0
// The word sum with a register for each of 8 lines. On Zen 4, software prefetch made it slower.
#include <immintrin.h>

#include "kernels/word_sum.h"
#include "kernels/word_sum_targets.h"

namespace brt::kernels {

uint64_t word_sum_avx512(const uint64_t* words, int64_t lines) {
  constexpr int64_t kSums = 8;  // so that no addition waits for the one before
  __m512i sums[kSums];
  for (__m512i& sum : sums) {
    sum = _mm512_setzero_si512();
  }
  int64_t line = 0;
  for (; line + kSums <= lines; line += kSums) {
    for (int64_t i = 0; i < kSums; ++i) {
      sums[i] = _mm512_add_epi64(sums[i], _mm512_loadu_si512(words + (line + i) * kWordsOfLine));
    }
  }
  for (; line < lines; ++line) {
    sums[0] = _mm512_add_epi64(sums[0], _mm512_loadu_si512(words + line * kWordsOfLine));
  }
  for (int64_t i = 1; i < kSums; ++i) {
    sums[0] = _mm512_add_epi64(sums[0], sums[i]);
  }
  uint64_t total[kWordsOfLine];
  _mm512_storeu_si512(total, sums[0]);
  uint64_t sum = 0;
  for (const uint64_t word : total) {
    sum += word;
  }
  return sum;
}

}  // namespace brt::kernels
