// SPDX-License-Identifier: Apache-2.0
// Memory of the calling thread for kernels that need more than a thread's stack may hold.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// At least so many bytes, aligned to 64, with anything in them; the same memory for every call of
/// a thread until one asks for more, and freed with the thread. @throws std::bad_alloc
char* thread_scratch(int64_t bytes);

}  // namespace brt::kernels
