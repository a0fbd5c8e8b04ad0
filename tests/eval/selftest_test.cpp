// SPDX-License-Identifier: Apache-2.0
// The golden cases of the reference implementation.
#include "eval/selftest.h"

#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "kernels/cpu_target.h"

namespace brt {
namespace {

std::filesystem::path golden_folder() {
  return std::filesystem::path(BRT_SOURCE_DIR) / "tests" / "golden";
}

void expect_all_pass(DType dtype) {
  for (const std::filesystem::path& folder : find_selftest_cases(golden_folder())) {
    const SelftestResult result = run_selftest_case(folder, dtype);
    EXPECT_EQ(result.failure, "") << folder;
    for (const SelftestFigure& figure : result.figures) {
      EXPECT_LE(figure.error, figure.limit)
          << folder.filename() << ": " << figure.name << " of " << figure.worst;
    }
  }
}

class SelftestOfTarget : public testing::TestWithParam<kernels::CpuTarget> {
 protected:
  void SetUp() override { kernels::force_cpu_target(GetParam()); }
  void TearDown() override { kernels::force_cpu_target(kernels::supported_targets().back()); }
};

TEST_P(SelftestOfTarget, EveryGoldenCasePassesInFloat32) { expect_all_pass(DType::kFp32); }

TEST_P(SelftestOfTarget, EveryGoldenCasePassesInBfloat16) { expect_all_pass(DType::kBf16); }

INSTANTIATE_TEST_SUITE_P(Targets,
                         SelftestOfTarget,
                         testing::ValuesIn(kernels::supported_targets()),
                         [](const testing::TestParamInfo<kernels::CpuTarget>& target) {
                           return std::string(kernels::to_word(target.param));
                         });

TEST(Selftest, ACaseComputedByAnotherModelFails) {
  const std::filesystem::path mixed =
      std::filesystem::temp_directory_path() / fmt::format("brt-selftest-{}", ::getpid());
  std::filesystem::remove_all(mixed);
  std::filesystem::copy(golden_folder() / "slide", mixed, std::filesystem::copy_options::recursive);
  EXPECT_TRUE(run_selftest_case(mixed, DType::kFp32).passed());
  std::filesystem::copy(golden_folder() / "xl" / "case.safetensors", mixed / "case.safetensors",
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(run_selftest_case(mixed, DType::kFp32).passed());
  std::filesystem::remove_all(mixed);
}

TEST(Selftest, AFolderWithoutCasesIsAnError) {
  EXPECT_THROW(find_selftest_cases(std::filesystem::path(BRT_SOURCE_DIR) / "src"), DataError);
  EXPECT_THROW(find_selftest_cases("no such folder"), DataError);
}

}  // namespace
}  // namespace brt
