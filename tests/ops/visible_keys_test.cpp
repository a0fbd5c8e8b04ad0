// SPDX-License-Identifier: Apache-2.0
// Keys of empty caches, as kernels and as the plain forms see them.
#include "ops/visible_keys.h"

#include <vector>

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "config/model_constants.h"
#include "support/tensors.h"

namespace brt {
namespace {

TEST(VisibleKeys, LanesWithAnEmptyCacheBeginBehindIt) {
  const VisibleKeys visible = {.empty_cache_B = at::tensor({0, 1, 2}), .cache_keys = 5};
  EXPECT_EQ(visible.first_keys(3), (std::vector<int64_t>{0, 5, 5}));
  EXPECT_EQ(VisibleKeys{}.first_keys(2), (std::vector<int64_t>{0, 0}));
}

TEST(VisibleKeys, LogitsOfAnEmptyCacheAreHiddenInItsLaneOnly) {
  const VisibleKeys visible = {.empty_cache_B = at::tensor({1, 0}).to(at::kBool), .cache_keys = 2};
  const at::Tensor logits_BHRJ = random_tensor({2, 3, 4, 5}, 1);
  const at::Tensor got = visible.hide_empty_cache(logits_BHRJ, at::arange(5));
  at::Tensor want = logits_BHRJ.clone();
  want[0].narrow(2, 0, 2).fill_(kHiddenLogit);
  EXPECT_TRUE(bit_equal(got, want));
  EXPECT_TRUE(VisibleKeys{}.hide_empty_cache(logits_BHRJ, at::arange(5)).is_same(logits_BHRJ));
}

// In a window's second block the keys of the same columns are others.
TEST(VisibleKeys, KeysAreHiddenByTheirIndexWhereverTheyStand) {
  const VisibleKeys visible = {.empty_cache_B = at::ones({1}, at::kBool), .cache_keys = 2};
  const at::Tensor index_T1J = at::tensor({0, 1, 2, 2, 3, 4}).view({2, 1, 3});
  const at::Tensor got = visible.hide_empty_cache(at::zeros({1, 1, 2, 1, 3}), index_T1J);
  const at::Tensor want = at::tensor({kHiddenLogit, kHiddenLogit, 0.0, 0.0, 0.0, 0.0});
  EXPECT_TRUE(bit_equal(got.flatten(), want.to(at::kFloat)));
}

}  // namespace
}  // namespace brt
