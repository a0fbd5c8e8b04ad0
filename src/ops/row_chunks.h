// SPDX-License-Identifier: Apache-2.0
// Rows divided into chunks that do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

#include "base/divide_up.h"

namespace brt {

/// Rows [0, rows) of `width` elements, in chunks whose size depends on `width` alone.
struct RowChunks {
  int64_t rows = 0;
  int64_t width = 0;

  /// 256 KiB of float32: takes far longer than to hand out a chunk.
  static constexpr int64_t kChunkElements = int64_t{1} << 16;

  int64_t rows_of_a_chunk() const { return std::max<int64_t>(1, kChunkElements / width); }
  int64_t count() const { return divide_up(rows, rows_of_a_chunk()); }
};

/// The chunks of a tensor with at least one element, whose last axis is the row.
RowChunks row_chunks(const at::Tensor& x);

/// Runs work(chunk, begin, end) for the rows of each chunk, on several threads.
void parallel_rows(const RowChunks& chunks,
                   const std::function<void(int64_t chunk, int64_t begin, int64_t end)>& work);

/// Sums of the chunks' partial sums, in the order of the chunks.
/// @param partial_CD  float32, contiguous, at least one chunk  @return [D]
at::Tensor sum_in_order(const at::Tensor& partial_CD);

}  // namespace brt
