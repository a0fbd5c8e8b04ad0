// SPDX-License-Identifier: Apache-2.0
// How much memory this process may ever have.
#pragma once

#include <cstdint>

namespace brt {

/// Bytes of the machine's memory, or less where the process's address space (ulimit -v) or the
/// control group that it sees as its own (as in a container) is limited further.
int64_t machine_memory();

}  // namespace brt
