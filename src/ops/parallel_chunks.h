// SPDX-License-Identifier: Apache-2.0
// Work divided among the threads of LibTorch.
#pragma once

#include <cstdint>
#include <functional>

namespace brt {

/// Runs work(chunk) once for every chunk in [0, count), on up to at::get_num_threads() threads, in
/// any order. Within another parallel region it runs on the calling thread.
/// @throws what `work` throws (of several, one), after all threads have ended.
void parallel_chunks(int64_t count, const std::function<void(int64_t chunk)>& work);

/// As parallel_chunks; tasks that run at the same time have different slots of [0, slots), which
/// stand for scratch memory. At most `slots` tasks run at a time.
void parallel_tasks(int64_t count,
                    int64_t slots,
                    const std::function<void(int64_t task, int64_t slot)>& work);

}  // namespace brt
