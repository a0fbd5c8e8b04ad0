// SPDX-License-Identifier: Apache-2.0
// The entries of kernels/word_sum.h, one per CPU target.
#pragma once

#include <cstdint>

namespace brt::kernels {

uint64_t word_sum_scalar(const uint64_t* words, int64_t lines);
uint64_t word_sum_avx512(const uint64_t* words, int64_t lines);

}  // namespace brt::kernels
