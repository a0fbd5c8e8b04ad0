// SPDX-License-Identifier: Apache-2.0
// Words of enums.
#include "config/enum_text.h"

#include <gtest/gtest.h>

namespace brt {
namespace {

template <class Enum>
class EnumText : public testing::Test {};

using Enums = testing::Types<GateType, CellType, PositionType, DType, OptimizerType, ScheduleType>;
TYPED_TEST_SUITE(EnumText, Enums);

TYPED_TEST(EnumText, EveryWordReadsBackAsItsValue) {
  ASSERT_GE(enum_words<TypeParam>().size(), 2U);
  for (const auto& [value, word] : enum_words<TypeParam>()) {
    EXPECT_EQ(to_word(value), word);
    EXPECT_EQ(from_word<TypeParam>(word), value);
  }
}

TYPED_TEST(EnumText, AnUnknownWordIsNoValue) {
  EXPECT_EQ(from_word<TypeParam>("no such word"), std::nullopt);
  EXPECT_EQ(from_word<TypeParam>(""), std::nullopt);
}

TEST(EnumWords, AreThoseOfThePaperAndTheRecipes) {
  EXPECT_EQ(to_word(GateType::kFixed), "fixed");
  EXPECT_EQ(to_word(CellType::kSingle), "single");
  EXPECT_EQ(to_word(PositionType::kT5), "t5");
  EXPECT_EQ(to_word(DType::kBf16), "bf16");
  EXPECT_EQ(to_word(OptimizerType::kAdamw), "adamw");
  EXPECT_EQ(to_word(ScheduleType::kReferenceCosine), "reference_cosine");
}

}  // namespace
}  // namespace brt
