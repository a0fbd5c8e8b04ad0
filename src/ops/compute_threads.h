// SPDX-License-Identifier: Apache-2.0
// How many threads LibTorch and the operations of this folder use.
#pragma once

#include <cstdint>

namespace brt {

/// Sets the number of threads; 0: one for each core that the process may use, or what the user
/// chose in OMP_NUM_THREADS. @throws ConfigError if it is negative.
void set_compute_threads(int64_t threads);

/// The number that was set; before, LibTorch's.
int64_t compute_threads();

/// To be called between pieces of work of the same kind, such as the steps of a training, by the
/// thread that does them. When other programs want the cores, fewer threads than were set work
/// until they are free again. No result depends on the number of threads.
void share_cores();

}  // namespace brt
