// SPDX-License-Identifier: Apache-2.0
// What the program's allocator asks of the system.
#pragma once

namespace brt {

/// Memory that was freed is kept for the next allocation (given back to the system, it would come
/// again as fresh pages, zeroed one by one at first touch, with every step), and comes in huge
/// pages where the system has them. To be called first in main().
void keep_memory_in_huge_pages();

}  // namespace brt
