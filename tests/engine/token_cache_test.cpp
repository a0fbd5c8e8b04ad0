// SPDX-License-Identifier: Apache-2.0
// What a token leaves in the caches.
#include "engine/token_cache.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"
#include "engine/panel_cache.h"
#include "engine/random_floats.h"
#include "support/tolerance.h"

namespace brt {
namespace {

constexpr int64_t kWindow = 70;
constexpr int64_t kHeadSize = 8;

/// Scratch that owns its memory.
template <class T>
struct OwnScratch {
  std::vector<float> vector = std::vector<float>(kHeadSize);
  std::vector<float> rotated = std::vector<float>(kHeadSize);
  std::vector<T> rounded = std::vector<T>(kHeadSize);

  VectorScratch<T> get() { return {vector.data(), rotated.data(), rounded.data()}; }
};

TEST(TokenCache, KeyOfUnitLengthAndValueLieInTheTokensRow) {
  PackedCase model(case_config(kWindow));
  StreamState state = model.engine.begin();
  const std::vector<float> key = random_floats(kHeadSize, 1);
  const std::vector<float> value = random_floats(kHeadSize, 2);
  OwnScratch<float> scratch;
  append_token<float>({state, 1, 2}, 66, key.data(), value.data(), nullptr, scratch.get());
  state.set_tokens_read(67);
  const std::vector<float> keys = state.keys(1);
  const std::vector<float> values = state.values(1);
  const int64_t begin = ((kWindow + 66) * 3 + 2) * kHeadSize;
  EXPECT_LT(
      worst_error(plain_row(keys.data() + begin, kHeadSize), plain_unit({key.begin(), key.end()})),
      tolerance::kFloat32);
  EXPECT_TRUE(std::equal(value.begin(), value.end(), values.begin() + begin));
  EXPECT_EQ(keys[static_cast<size_t>(begin - 1)], 0.0F);  // the head before
}

TEST(TokenCache, RotatedKeysAreMadeOfWhatTheCacheHolds) {
  ModelConfig config = case_config(kWindow);
  config.position = PositionType::kRotary;
  PackedCase model(config, WeightFormat::kBfloat16);
  StreamState state = model.engine.begin();
  const RotaryTable rotary(kHeadSize, 2 * kWindow);
  OwnScratch<kernels::Bfloat16> scratch;
  for (const int64_t position : {0, 5, 69}) {
    const std::vector<float> key = random_floats(kHeadSize, static_cast<uint64_t>(position));
    append_token<kernels::Bfloat16>({state, 0, 1}, position, key.data(), key.data(), &rotary,
                                    scratch.get());
  }
  const StreamHead head = {state, 0, 1};
  const kernels::Bfloat16* keys = StateAccess::keys<kernels::Bfloat16>(head, kCurrentBlock);
  kernels::Bfloat16* rotated = StateAccess::rotated_keys<kernels::Bfloat16>(head, kCurrentBlock);
  std::vector<float> key_K(kHeadSize);
  std::vector<float> rotated_K(kHeadSize);
  read_key(keys, kHeadSize, 69, key_K.data());
  read_key(rotated, kHeadSize, 69, rotated_K.data());
  EXPECT_LT(worst_error(rotated_K, plain_rotary({key_K.begin(), key_K.end()}, 69.0)), 0x1p-8);

  // Made anew, as after a state was read from a file.
  const size_t bytes = static_cast<size_t>(model.layout.key_head_bytes);
  const std::vector<std::byte> before(reinterpret_cast<std::byte*>(rotated),
                                      reinterpret_cast<std::byte*>(rotated) + bytes);
  std::fill_n(reinterpret_cast<std::byte*>(rotated), bytes, std::byte{0x11});
  rotate_cached_keys<kernels::Bfloat16>(state, rotary);
  for (const int64_t token : {0, 5, 69}) {
    std::vector<float> again_K(kHeadSize);
    read_key(rotated, kHeadSize, token, again_K.data());
    read_key(reinterpret_cast<const kernels::Bfloat16*>(before.data()), kHeadSize, token,
             rotated_K.data());
    EXPECT_EQ(again_K, rotated_K) << token;
  }
}

}  // namespace
}  // namespace brt
