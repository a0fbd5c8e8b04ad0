// SPDX-License-Identifier: Apache-2.0
// The choice of the word sum's target.
#include "kernels/word_sum.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {

uint64_t word_sum(const uint64_t* words, int64_t lines) {
  BRT_ASSERT(is_array(words, lines * kWordsOfLine));
  return kernel_table().word_sum(words, lines);
}

}  // namespace brt::kernels
