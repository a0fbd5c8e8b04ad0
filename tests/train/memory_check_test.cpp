// SPDX-License-Identifier: Apache-2.0
#include "train/memory_check.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr int64_t kGibibyte = int64_t{1} << 30;

std::string refusal_of(const RunConfig& config, int64_t memory) {
  try {
    check_training_memory(config, memory);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(MemoryCheck, TheDefaultFitsAMachineOf32GiB) {
  EXPECT_EQ(refusal_of(RunConfig(), 32 * kGibibyte), "");
}

TEST(MemoryCheck, TooManyLanesAreRefusedWithTheirCure) {
  RunConfig config;
  config.train.lanes = 1000000;
  EXPECT_NE(refusal_of(config, 24 * kGibibyte).find("fewer train.lanes"), std::string::npos);
  config.train.accumulation = 1000000;
  EXPECT_EQ(refusal_of(config, 24 * kGibibyte), "");
}

TEST(MemoryCheck, TooManyWeightsAreRefusedWithTheirCure) {
  RunConfig config;
  config.train.lanes = 1;
  config.model.segment = 512;
  config.model.width = 100000;
  config.model.num_layers = 1000;
  EXPECT_NE(refusal_of(config, 24 * kGibibyte).find("a smaller model.size"), std::string::npos);
}

}  // namespace
}  // namespace brt
