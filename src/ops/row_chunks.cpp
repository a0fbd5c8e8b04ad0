// SPDX-License-Identifier: Apache-2.0
// Rows in chunks, and sums over chunks.
#include "ops/row_chunks.h"

#include "ops/parallel_chunks.h"

namespace brt {

RowChunks row_chunks(const at::Tensor& x) { return {x.numel() / x.size(-1), x.size(-1)}; }

void parallel_rows(const RowChunks& chunks,
                   const std::function<void(int64_t chunk, int64_t begin, int64_t end)>& work) {
  const int64_t step = chunks.rows_of_a_chunk();
  parallel_chunks(chunks.count(), [&](int64_t chunk) {
    work(chunk, chunk * step, std::min(chunks.rows, (chunk + 1) * step));
  });
}

at::Tensor sum_in_order(const at::Tensor& partial_CD) {
  const int64_t width = partial_CD.size(1);
  at::Tensor sum_D = partial_CD.select(0, 0).clone();
  float* sum = sum_D.mutable_data_ptr<float>();
  const float* partial = partial_CD.const_data_ptr<float>();
  for (int64_t chunk = 1; chunk < partial_CD.size(0); ++chunk) {
    for (int64_t d = 0; d < width; ++d) {
      sum[d] += partial[chunk * width + d];
    }
  }
  return sum_D;
}

}  // namespace brt
