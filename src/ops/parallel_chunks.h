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

}  // namespace brt
