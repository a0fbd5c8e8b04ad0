// SPDX-License-Identifier: Apache-2.0
// How many cores this process may use: the one place that decides how many threads are started.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace brt {

/// Cores that the affinity mask allows (taskset, a container's set of cores), but no more than the
/// process's control groups grant, rounded up; at least 1.
int64_t available_cores();

/// Cores that the CPU quotas of the process's control groups grant, as a number of cores: the least
/// of its group (version 1 or 2) and all groups above. Nothing if there is no quota, or no telling.
/// @param system_root  "/", or for a test a folder that holds proc and the mounts that it names
std::optional<double> cores_of_quota(const std::filesystem::path& system_root);

}  // namespace brt
