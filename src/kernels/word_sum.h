// SPDX-License-Identifier: Apache-2.0
// The sum of words: what reads memory as fast as a CPU can, for measuring how fast that is.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// Words of 8 bytes in a cache line.
constexpr int64_t kWordsOfLine = 8;

/// The sum, modulo 2^64, of `lines` times kWordsOfLine words.
uint64_t word_sum(const uint64_t* words, int64_t lines);

}  // namespace brt::kernels
