// SPDX-License-Identifier: Apache-2.0
// Attention without positions against plain loops.
#include "ops/cross_attention.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/fused_attention.h"
#include "support/jacobian.h"

namespace brt {
namespace {

struct Sizes {
  int64_t lanes = 2;
  int64_t rows = 3;
  int64_t keys = 5;
  int64_t heads = 2;
  int64_t head_size = 4;
};

/// query, keys, values, scale
std::vector<at::Tensor> random_arguments(const Sizes& sizes, at::ScalarType dtype = at::kDouble) {
  return {random_tensor({sizes.lanes, sizes.rows, sizes.heads, sizes.head_size}, 1, dtype),
          random_tensor({sizes.lanes, sizes.keys, sizes.heads, sizes.head_size}, 2, dtype),
          random_tensor({sizes.lanes, sizes.keys, sizes.heads, sizes.head_size}, 3, dtype),
          random_tensor({sizes.heads}, 4, dtype)};
}

at::Tensor slow_cross_attention(const std::vector<at::Tensor>& in,
                                const VisibleKeys& visible = {}) {
  const at::Tensor query = in[0].to(at::kDouble).contiguous();
  const at::Tensor keys = in[1].to(at::kDouble).contiguous();
  const at::Tensor values = in[2].to(at::kDouble).contiguous();
  at::Tensor out = at::zeros_like(query);
  for (int64_t b = 0; b < query.size(0); ++b) {
    const bool hides = visible.empty_cache_B.defined() && visible.empty_cache_B[b].item<bool>();
    for (int64_t i = 0; i < query.size(1); ++i) {
      for (int64_t h = 0; h < query.size(2); ++h) {
        const double scale = in[3].defined() ? std::abs(in[3][h].item<double>()) : 1.0;
        double sum = 0.0;
        at::Tensor mix = at::zeros({query.size(3)}, at::kDouble);
        for (int64_t j = hides ? visible.cache_keys : 0; j < keys.size(1); ++j) {
          double product = 0.0;
          for (int64_t k = 0; k < query.size(3); ++k) {
            product += query[b][i][h][k].item<double>() * keys[b][j][h][k].item<double>();
          }
          const double weight = std::exp(product * scale);
          sum += weight;
          mix += values[b][j][h] * weight;
        }
        out[b][i][h] = sum > 0.0 ? mix / sum : mix;
      }
    }
  }
  return out;
}

TEST(CrossAttention, EqualsPlainLoopsForAllSizes) {
  for (const int64_t rows : {0, 1, 3}) {
    for (const int64_t keys : {1, 5}) {
      for (const int64_t heads : {1, 2}) {
        const std::vector<at::Tensor> in =
            random_arguments({.rows = rows, .keys = keys, .heads = heads});
        EXPECT_TRUE(near(cross_attention(in[0], in[1], in[2], in[3]), slow_cross_attention(in),
                         tolerance::kFloat64));
      }
    }
  }
}

TEST(CrossAttention, UndefinedScaleIsOneAndSignsOfScalesDoNotMatter) {
  std::vector<at::Tensor> in = random_arguments({});
  const at::Tensor negative = cross_attention(in[0], in[1], in[2], -in[3].abs());
  EXPECT_TRUE(bit_equal(negative, cross_attention(in[0], in[1], in[2], in[3].abs())));
  in[3] = at::Tensor();
  EXPECT_TRUE(near(cross_attention(in[0], in[1], in[2], {}), slow_cross_attention(in),
                   tolerance::kFloat64));
}

TEST(CrossAttention, TakesAnyStrides) {
  const std::vector<at::Tensor> in = random_arguments({});
  EXPECT_TRUE(near(
      cross_attention(non_contiguous(in[0]), in[1].transpose(0, 1).contiguous().transpose(0, 1),
                      non_contiguous(in[2]), in[3]),
      slow_cross_attention(in), tolerance::kFloat64));
}

TEST(CrossAttention, HidesTheFirstKeysFromTheLanesThatAreNamed) {
  const std::vector<at::Tensor> in = random_arguments({});
  const VisibleKeys visible = {.empty_cache_B = at::tensor({1, 0}).to(at::kBool), .cache_keys = 2};
  EXPECT_TRUE(near(cross_attention(in[0], in[1], in[2], in[3], visible),
                   slow_cross_attention(in, visible), tolerance::kFloat64));
}

TEST(CrossAttention, LaneWithAllKeysHiddenIsZeroAndTheOtherLaneBitEqual) {
  const std::vector<at::Tensor> in = random_arguments({.rows = 9, .keys = 17}, at::kFloat);
  const VisibleKeys visible = {.empty_cache_B = at::tensor({1, 0}).to(at::kBool), .cache_keys = 17};
  const at::Tensor out = cross_attention(in[0], in[1], in[2], in[3], visible);
  EXPECT_TRUE(bit_equal(out[0], at::zeros_like(out[0])));
  EXPECT_TRUE(bit_equal(out[1], cross_attention(in[0], in[1], in[2], in[3])[1]));
}

TEST(CrossAttention, GradientEqualsDifferences) {
  const DifferentiableOp plain = [](const std::vector<at::Tensor>& in) {
    return cross_attention(in[0], in[1], in[2], in[3]);
  };
  EXPECT_TRUE(gradients_match(plain, random_arguments({})));
  const DifferentiableOp with_hidden_keys = [](const std::vector<at::Tensor>& in) {
    return cross_attention(in[0], in[1], in[2], in[3],
                           {.empty_cache_B = at::tensor({1, 0}).to(at::kBool), .cache_keys = 3});
  };
  EXPECT_TRUE(gradients_match(with_hidden_keys, random_arguments({})));
}

TEST(CrossAttention, BFloat16IsCloseToFloat32) {
  const std::vector<at::Tensor> in = random_arguments({.head_size = 8}, at::kFloat);
  const at::Tensor half = cross_attention(in[0].to(at::kBFloat16), in[1].to(at::kBFloat16),
                                          in[2].to(at::kBFloat16), in[3]);
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(half, cross_attention(in[0], in[1], in[2], in[3]), 2 * tolerance::kBFloat16));
}

std::string text_of(const Sizes& sizes) {
  return "lanes " + std::to_string(sizes.lanes) + ", rows " + std::to_string(sizes.rows) +
         ", keys " + std::to_string(sizes.keys) + ", head size " + std::to_string(sizes.head_size);
}

/// Tokens over few states, states over tokens and over states: neither fills panels or tiles.
const std::vector<Sizes>& fused_sizes() {
  static const std::vector<Sizes> sizes = {
      {.lanes = 1, .rows = 16, .keys = 1, .head_size = 8},
      {.lanes = 3, .rows = 16, .keys = 5, .head_size = 40},
      {.lanes = 1, .rows = 129, .keys = 5, .head_size = 64},
      {.lanes = 3, .rows = 129, .keys = 1, .heads = 1, .head_size = 128},
      {.lanes = 1, .rows = 7, .keys = 5, .head_size = 128},
      {.lanes = 1, .rows = 1, .keys = 258, .head_size = 64},
      {.lanes = 3, .rows = 5, .keys = 32, .head_size = 8},
      {.lanes = 1, .rows = 70, .keys = 140, .head_size = 40},
  };
  return sizes;
}

class FusedCrossAttention : public FusedAttentionTest {
 protected:
  std::vector<at::Tensor> arguments(const Sizes& sizes) const {
    return as_the_model_has_them(random_arguments(sizes, at::kFloat));
  }

  /// The output, then the gradients of a weighted sum of it.
  static std::vector<at::Tensor> results(const std::vector<at::Tensor>& in, const at::Tensor& out) {
    (out.to(at::kFloat) * random_tensor(out.sizes(), 9, at::kFloat)).sum().backward();
    std::vector<at::Tensor> found = {out.detach().to(at::kFloat)};
    for (const at::Tensor& argument : in) {
      found.push_back(argument.grad().to(at::kFloat));
    }
    return found;
  }
};

TEST_P(FusedCrossAttention, OutputAndGradientsEqualTheReference) {
  for (const Sizes& sizes : fused_sizes()) {
    for (const bool hides : {false, true}) {
      VisibleKeys visible;
      if (hides) {
        visible = {.empty_cache_B = at::arange(sizes.lanes).eq(0),
                   .cache_keys = (sizes.keys + 1) / 2};
      }
      const std::vector<at::Tensor> in = arguments(sizes);
      const std::vector<at::Tensor> got =
          results(in, cross_attention(in[0], in[1], in[2], in[3], visible));
      std::vector<at::Tensor> exact;  // the same numbers, without further rounding
      for (const at::Tensor& argument : in) {
        exact.push_back(argument.detach().to(at::kDouble).requires_grad_());
      }
      const std::vector<at::Tensor> want = results(
          exact, cross_attention_reference(exact[0], exact[1], exact[2], exact[3], visible));
      for (size_t i = 0; i < want.size(); ++i) {
        const double largest = std::max(1.0, want[i].abs().max().item<double>());
        EXPECT_TRUE(near(got[i] / largest, want[i] / largest, limit()))
            << (i == 0 ? "output, " : "a gradient, ") << text_of(sizes);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         FusedCrossAttention,
                         testing::ValuesIn(fused_cases()),
                         fused_case_name);

TEST(CrossAttention, RefusesSizesThatDisagree) {
  const std::vector<at::Tensor> in = random_arguments({});
  const auto message = [](const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values,
                          const at::Tensor& scale) {
    return message_of<ShapeError>([&] { cross_attention(query, keys, values, scale); });
  };
  EXPECT_EQ(message(in[0][0], in[1], in[2], in[3]),
            "cross_attention: query_BRHK must be [*, *, *, *], got [3, 2, 4]");
  EXPECT_EQ(message(in[0], in[1].narrow(3, 0, 3), in[2], in[3]),
            "cross_attention: keys_BJHK must be [2, *, 2, 4], got [2, 5, 2, 3]");
  EXPECT_EQ(message(in[0], in[1], in[2].narrow(1, 0, 4), in[3]),
            "cross_attention: values_BJHK must be [2, 5, 2, *], got [2, 4, 2, 4]");
  EXPECT_EQ(message(in[0], in[1], in[2], in[3].narrow(0, 0, 1)),
            "cross_attention: scale_H must be [2], got [1]");
}

TEST(CrossAttention, RefusesWhatIsNoNumberAndFlagsOfAnotherSize) {
  const std::vector<at::Tensor> in = random_arguments({});
  EXPECT_EQ(message_of<ShapeError>([&] { cross_attention(in[0], in[1], in[2].to(at::kInt), {}); }),
            "cross_attention: values_BJHK must be of float32, float64, bfloat16 or float16, got "
            "Int");
  const VisibleKeys visible = {.empty_cache_B = at::ones({3}, at::kBool), .cache_keys = 1};
  EXPECT_EQ(message_of<ShapeError>([&] { cross_attention(in[0], in[1], in[2], {}, visible); }),
            "cross_attention: empty_cache_B must be [2], got [3]");
}

TEST(CrossAttention, ValuesMayHaveAnotherDtypeAndHeadSize) {
  const at::Tensor query = random_tensor({2, 9, 2, 4}, 1, at::kFloat);
  const at::Tensor keys = random_tensor({2, 5, 2, 4}, 2, at::kFloat);
  const at::Tensor values = random_tensor({2, 5, 2, 4}, 3, at::kBFloat16);
  const at::Tensor whole = cross_attention(query, keys, values.to(at::kFloat), {});
  EXPECT_TRUE(bit_equal(cross_attention(query, keys, values, {}), whole));
  EXPECT_TRUE(
      near(cross_attention(query, keys, values.narrow(3, 0, 1), {}), whole.narrow(3, 0, 1), 1e-5));
}

}  // namespace
}  // namespace brt
