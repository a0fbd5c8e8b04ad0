// SPDX-License-Identifier: Apache-2.0
#include "eval/engine_selftest.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"

namespace brt {
namespace {

class EngineSelftest : public testing::TestWithParam<WeightFormat> {};

std::string figures_of(const SelftestResult& result) {
  std::string text = result.name + " " + result.failure;
  for (const SelftestFigure& figure : result.figures) {
    text += " " + figure.name + " " + std::to_string(figure.error) + " (" + figure.worst + ")";
  }
  return text;
}

TEST_P(EngineSelftest, EveryGoldenCasePasses) {
  int64_t cases = 0;
  for (const std::filesystem::path& folder :
       find_selftest_cases(std::string(BRT_SOURCE_DIR) + "/tests/golden")) {
    if (is_engine_case(folder)) {
      const SelftestResult result = run_engine_selftest_case(folder, GetParam());
      EXPECT_TRUE(result.passed()) << figures_of(result);
      ++cases;
    }
  }
  EXPECT_GE(cases, 16);
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         EngineSelftest,
                         testing::Values(WeightFormat::kFloat32,
                                         WeightFormat::kBfloat16,
                                         WeightFormat::kInt8),
                         [](const testing::TestParamInfo<WeightFormat>& format) {
                           return std::string(to_word(format.param));
                         });

TEST(EngineSelftestFailure, AFolderThatIsNoModelFailsWithItsReason) {
  const SelftestResult result = run_engine_selftest_case("no/such/folder", WeightFormat::kFloat32);
  EXPECT_FALSE(result.passed());
  EXPECT_NE(result.failure.find("config.json"), std::string::npos) << result.failure;
}

}  // namespace
}  // namespace brt
