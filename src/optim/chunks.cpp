// SPDX-License-Identifier: Apache-2.0
// Chunks of a fixed size, and sums over them in their order.
#include "optim/chunks.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/divide_up.h"
#include "ops/parallel_chunks.h"

namespace brt {

int64_t num_chunks(int64_t size, int64_t chunk_size) { return divide_up(size, chunk_size); }

void for_each_chunk(int64_t size,
                    int64_t chunk_size,
                    const std::function<void(int64_t begin, int64_t end)>& work) {
  parallel_chunks(num_chunks(size, chunk_size), [&](int64_t chunk) {
    work(chunk * chunk_size, std::min(size, (chunk + 1) * chunk_size));
  });
}

double sum_over_chunks(int64_t size,
                       int64_t chunk_size,
                       const std::function<double(int64_t begin, int64_t end)>& work) {
  std::vector<double> sums(static_cast<size_t>(num_chunks(size, chunk_size)), 0.0);
  for_each_chunk(size, chunk_size, [&](int64_t begin, int64_t end) {
    sums[static_cast<size_t>(begin / chunk_size)] = work(begin, end);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace brt
