// SPDX-License-Identifier: Apache-2.0
// Work divided among the threads of LibTorch: its OpenMP threads, so that two pools never compete.
// This file is compiled with -fopenmp; without it the pragma would be ignored in silence.
#include "ops/parallel_chunks.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include <omp.h>

#include <ATen/Parallel.h>

#include "ops/torch_product.h"

namespace brt {
void parallel_chunks(int64_t count, const std::function<void(int64_t chunk)>& work) {
  const int64_t threads =
      omp_in_parallel() != 0 ? 1 : std::min<int64_t>(at::get_num_threads(), count);
  if (threads <= 1) {
    const kernels::LibraryProducts products(torch_product);
    for (int64_t chunk = 0; chunk < count; ++chunk) {
      work(chunk);
    }
    return;
  }
  std::exception_ptr failure;
  std::mutex failure_mutex;
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast<int>(threads))
  for (int64_t chunk = 0; chunk < count; ++chunk) {
    try {
      const kernels::LibraryProducts products(torch_product);
      work(chunk);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(failure_mutex);
      failure = std::current_exception();
    }
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void parallel_tasks(int64_t count,
                    int64_t slots,
                    const std::function<void(int64_t task, int64_t slot)>& work) {
  std::atomic<int64_t> next = 0;
  parallel_chunks(std::min(slots, count), [&](int64_t slot) {
    for (int64_t task = next++; task < count; task = next++) {
      work(task, slot);
    }
  });
}

}  // namespace brt
