// SPDX-License-Identifier: Apache-2.0
// Words of weight formats.
#include "engine/weight_format.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"
#include "support/text_assertions.h"

namespace brt {
namespace {

TEST(WeightFormat, WordsAreReadAsTheyAreWritten) {
  for (const WeightFormat format :
       {WeightFormat::kFloat32, WeightFormat::kBfloat16, WeightFormat::kInt8}) {
    EXPECT_EQ(weight_format_from_word(to_word(format)), format);
  }
  EXPECT_EQ(to_word(WeightFormat::kBfloat16), "bf16");
}

TEST(WeightFormat, OtherWordsAreRefusedWithTheThreeThatThereAre) {
  for (const char* word : {"", "fp16", "BF16", "int8 "}) {
    const std::string message = thrown_message<ConfigError>([&] { weight_format_from_word(word); });
    EXPECT_TRUE(contains(message, "must be fp32, bf16 or int8, got " + std::string(word)));
  }
}

}  // namespace
}  // namespace brt
