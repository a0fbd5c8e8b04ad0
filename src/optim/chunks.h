// SPDX-License-Identifier: Apache-2.0
// Work over many elements or rows in chunks of a fixed size, so that results do not depend on the
// number of threads.
#pragma once

#include <cstdint>
#include <functional>

namespace brt {

/// Elements of a chunk: 64 KiB of float32, of which one core holds four arrays in its second cache.
inline constexpr int64_t kChunkElements = 16384;

/// How many chunks of `chunk_size` cover `size`.
int64_t num_chunks(int64_t size, int64_t chunk_size);

/// Runs work(begin, end) for [0, chunk_size), [chunk_size, 2 chunk_size), ... below `size`, on
/// LibTorch's threads, in any order.
void for_each_chunk(int64_t size,
                    int64_t chunk_size,
                    const std::function<void(int64_t begin, int64_t end)>& work);

/// The same, and the sum of what the chunks return, added up in their order.
double sum_over_chunks(int64_t size,
                       int64_t chunk_size,
                       const std::function<double(int64_t begin, int64_t end)>& work);

}  // namespace brt
