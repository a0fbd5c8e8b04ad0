// SPDX-License-Identifier: Apache-2.0
// The affinity mask, and the quotas of control groups as Linux shows them in files.
#include "base/available_cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace brt {
namespace {

namespace fs = std::filesystem;

/// Where groups of one kind are mounted, and the process's own group.
struct GroupTree {
  bool is_version_2 = false;
  fs::path mount;  ///< shows the group `root` and those below
  fs::path root;
  fs::path group;  ///< of the process
};

int64_t cores_of_affinity() {
#if defined(__linux__)
  constexpr int kMostCores = 1 << 16;
  for (int cores = CPU_SETSIZE; cores <= kMostCores; cores *= 2) {  // fails while the mask is small
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(cores));
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(cores));
    const bool known = set != nullptr && ::sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) {
      return count;
    }
  }
#endif
  return std::thread::hardware_concurrency();
}

/// Whether `word` stands in a list such as "rw,cpu,cpuacct".
bool has_word(const std::string& list, std::string_view word) {
  std::istringstream words(list);
  for (std::string one; std::getline(words, one, ',');) {
    if (one == word) {
      return true;
    }
  }
  return false;
}

/// The trees that may hold a CPU quota, without the process's group. A line of mountinfo:
/// "31 23 0:28 ROOT MOUNT OPTIONS [MORE...] - TYPE SOURCE OPTIONS".
std::vector<GroupTree> mounted_trees(const fs::path& system_root) {
  std::vector<GroupTree> trees;
  std::ifstream file(system_root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) {
      continue;
    }
    std::istringstream before(line.substr(0, dash));
    std::istringstream after(line.substr(dash + 3));
    std::string skipped;
    std::string root;
    std::string mount;
    std::string type;
    std::string options;
    before >> skipped >> skipped >> skipped >> root >> mount;
    after >> type >> skipped >> options;
    if (type == "cgroup2" || (type == "cgroup" && has_word(options, "cpu"))) {
      trees.push_back({.is_version_2 = type == "cgroup2",
                       .mount = system_root / fs::path(mount).relative_path(),
                       .root = root,
                       .group = {}});
    }
  }
  return trees;
}

/// The process's group from lines "0::GROUP" (version 2) and "4:cpu,cpuacct:GROUP" (version 1).
void find_group(GroupTree& tree, const fs::path& system_root) {
  std::ifstream file(system_root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (tree.is_version_2 ? controllers.empty() : has_word(controllers, "cpu")) {
      tree.group = line.substr(second + 1);
      return;
    }
  }
}

/// Quota by period; nothing for "max", for -1, and where the files are missing.
std::optional<double> quota_of(const fs::path& folder, bool is_version_2) {
  double quota = 0.0;
  double period = 0.0;
  if (is_version_2) {
    std::ifstream(folder / "cpu.max") >> quota >> period;
  } else {
    std::ifstream(folder / "cpu.cfs_quota_us") >> quota;
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  if (quota > 0.0 && period > 0.0) {
    return quota / period;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> cores_of_quota(const fs::path& system_root) {
  std::optional<double> least;
  for (GroupTree& tree : mounted_trees(system_root)) {
    find_group(tree, system_root);
    // In a container the mount often begins at the process's own group, or is not told where.
    fs::path below = tree.group.lexically_relative(tree.root);
    if (below.empty() || below.begin()->string() == "..") {
      below = ".";
    }
    for (fs::path group = below.lexically_normal();; group = group.parent_path()) {
      const std::optional<double> quota = quota_of(tree.mount / group, tree.is_version_2);
      if (quota && (!least || *quota < *least)) {
        least = quota;
      }
      if (group.empty() || group == ".") {
        break;
      }
    }
  }
  return least;
}

int64_t available_cores() {
  int64_t cores = std::max<int64_t>(cores_of_affinity(), 1);
  if (const std::optional<double> granted = cores_of_quota("/")) {
    cores = std::min(cores, std::max<int64_t>(static_cast<int64_t>(std::ceil(*granted)), 1));
  }
  return cores;
}

}  // namespace brt
