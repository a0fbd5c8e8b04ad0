// SPDX-License-Identifier: Apache-2.0
// Memory that is aligned, zeroed, and a value.
#include "engine/aligned_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

namespace brt {
namespace {

uint64_t address(const AlignedBuffer& buffer) { return reinterpret_cast<uint64_t>(buffer.data()); }

bool is_zero(const AlignedBuffer& buffer) {
  return std::all_of(buffer.data(), buffer.data() + buffer.bytes(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

TEST(AlignedBuffer, IsAlignedForVectorsAndZero) {
  for (const int64_t bytes : {1, 63, 64, 65, 4096, 100'000}) {
    const AlignedBuffer buffer(bytes);
    EXPECT_EQ(address(buffer) % 64, 0u) << bytes;
    EXPECT_EQ(buffer.bytes(), bytes);
    EXPECT_TRUE(is_zero(buffer)) << bytes;
  }
}

TEST(AlignedBuffer, LargeOnesAreAlignedForHugePages) {
  constexpr int64_t kHugePage = int64_t{2} << 20;
  for (int repetition = 0; repetition < 3; ++repetition) {  // memory that was freed is zero again
    AlignedBuffer buffer(kHugePage + 5);
    EXPECT_EQ(address(buffer) % kHugePage, 0u);
    EXPECT_TRUE(is_zero(buffer));
    std::memset(buffer.data(), 7, static_cast<size_t>(buffer.bytes()));
  }
}

TEST(AlignedBuffer, AnEmptyOneHasNoMemory) {
  const AlignedBuffer none;
  const AlignedBuffer zero(0);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(zero.data(), nullptr);
  EXPECT_EQ(AlignedBuffer(zero).bytes(), 0);
}

TEST(AlignedBuffer, ACopyGoesItsOwnWay) {
  AlignedBuffer original(256);
  *original.at<int32_t>(128) = 5;
  AlignedBuffer copy = original;
  *original.at<int32_t>(128) = 6;
  EXPECT_EQ(*copy.at<int32_t>(128), 5);
  EXPECT_EQ(address(copy) % 64, 0u);
}

TEST(AlignedBuffer, AssigningTheSameSizeKeepsTheMemory) {
  AlignedBuffer from(256);
  AlignedBuffer to(256);
  *from.at<float>(64) = 2.5F;
  const std::byte* memory = to.data();
  to = from;
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(*to.at<float>(64), 2.5F);
  const AlignedBuffer& self = to;
  to = self;
  EXPECT_EQ(*to.at<float>(64), 2.5F);
}

TEST(AlignedBuffer, AssigningAnotherSizeTakesItOver) {
  AlignedBuffer from(512);
  AlignedBuffer to(64);
  *from.at<float>(508) = 3.0F;
  to = from;
  EXPECT_EQ(to.bytes(), 512);
  EXPECT_EQ(*to.at<float>(508), 3.0F);
}

TEST(AlignedBuffer, AMoveHandsTheMemoryOver) {
  AlignedBuffer from(128);
  const std::byte* memory = from.data();
  AlignedBuffer to = std::move(from);
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(to.bytes(), 128);
  AlignedBuffer assigned;
  assigned = std::move(to);
  EXPECT_EQ(assigned.data(), memory);
}

}  // namespace
}  // namespace brt
