// SPDX-License-Identifier: Apache-2.0
// The choice of the word sum's target.
#include "kernels/word_sum.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/cpu_target.h"
#include "kernels/word_sum_targets.h"

namespace brt::kernels {

uint64_t word_sum(const uint64_t* words, int64_t lines) {
  BRT_ASSERT(is_array(words, lines * kWordsOfLine));
#if defined(__x86_64__)
  if (cpu_target() >= CpuTarget::kAvx512) {
    return word_sum_avx512(words, lines);
  }
#endif
  return word_sum_scalar(words, lines);
}

}  // namespace brt::kernels
