// SPDX-License-Identifier: Apache-2.0
// Cores by affinity mask and by quota, the latter from files as Linux shows them.
#include "base/available_cores.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "checkpoint/scratch_folder.h"
#include "support/one_core.h"

namespace brt {
namespace {

/// A folder in the place of "/".
class FakeSystem {
 public:
  FakeSystem(const std::string& mounts, const std::string& groups) {
    put("proc/self/mountinfo", "22 1 0:20 / /proc rw,nosuid - proc proc rw\n" + mounts);
    put("proc/self/cgroup", groups);
  }
  void put(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((folder_ / file).parent_path());
    put_bytes(folder_ / file, text);
  }
  std::optional<double> cores() const { return cores_of_quota(folder_.path()); }

 private:
  ScratchFolder folder_;
};

constexpr const char* kUnified = "30 22 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";

TEST(AvailableCores, AreAtLeastOneAndNoMoreThanTheMachineHas) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_LE(available_cores(), std::thread::hardware_concurrency());
}

TEST(AvailableCores, AreThoseOfTheAffinityMask) {
  const OneCore alone;
  EXPECT_EQ(available_cores(), 1);
}

TEST(CoresOfQuota, AreNoneWithoutGroups) {
  EXPECT_EQ(FakeSystem("", "").cores(), std::nullopt);
  const ScratchFolder empty;
  EXPECT_EQ(cores_of_quota(empty.path()), std::nullopt);
}

TEST(CoresOfQuota, AreQuotaByPeriodInVersion2) {
  FakeSystem system(kUnified, "0::/app\n");
  system.put("sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(system.cores(), 1.5);
  system.put("sys/fs/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(system.cores(), std::nullopt);
}

TEST(CoresOfQuota, AreTheLeastOfAllGroupsAbove) {
  FakeSystem system(kUnified, "0::/slice/app/worker\n");
  system.put("sys/fs/cgroup/slice/cpu.max", "50000 100000\n");
  system.put("sys/fs/cgroup/slice/app/cpu.max", "400000 100000\n");
  system.put("sys/fs/cgroup/slice/app/worker/cpu.max", "max 100000\n");
  EXPECT_EQ(system.cores(), 0.5);
}

TEST(CoresOfQuota, OfAContainerStandInTheMountItself) {
  FakeSystem system(kUnified, "0::/\n");
  system.put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(system.cores(), 2.0);
  // The host's path of the group, of which the container sees the end only.
  FakeSystem other("30 22 0:26 /docker/1f /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
                   "0::/docker/1f/job\n");
  other.put("sys/fs/cgroup/job/cpu.max", "300000 100000\n");
  EXPECT_EQ(other.cores(), 3.0);
  FakeSystem elsewhere("30 22 0:26 /pods/a /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
                       "0::/system\n");
  elsewhere.put("sys/fs/cgroup/cpu.max", "100000 50000\n");
  EXPECT_EQ(elsewhere.cores(), 2.0);
}

TEST(CoresOfQuota, AreThoseOfTheCpuControllerInVersion1) {
  FakeSystem system(
      "31 22 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "32 22 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "33 22 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "9:memory:/other\n4:cpu,cpuacct:/job\n3:cpuset:/\n0::/\n");
  system.put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  system.put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(system.cores(), std::nullopt);
  system.put("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(system.cores(), 2.5);
}

}  // namespace
}  // namespace brt
