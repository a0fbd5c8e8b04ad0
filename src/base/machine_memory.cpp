// SPDX-License-Identifier: Apache-2.0
// sysconf, setrlimit's limit and the file of a control group of version 2.
#include "base/machine_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include <sys/resource.h>
#include <unistd.h>

namespace brt {

int64_t machine_memory() {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  int64_t bytes = kMost;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    bytes = int64_t{pages} * page_bytes;
  }
  rlimit limit = {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < static_cast<rlim_t>(kMost)) {
    bytes = std::min(bytes, static_cast<int64_t>(limit.rlim_cur));
  }
  int64_t of_group = 0;
  if (std::ifstream("/sys/fs/cgroup/memory.max") >> of_group && of_group > 0) {  // or "max"
    bytes = std::min(bytes, of_group);
  }
  return bytes;
}

}  // namespace brt
