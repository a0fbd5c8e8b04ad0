// SPDX-License-Identifier: Apache-2.0
// Sliding-window attention against plain loops over every query and key.
#include "ops/window_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "ops/dropout.h"
#include "ops/position_bias.h"
#include "support/fused_attention.h"
#include "support/jacobian.h"

namespace brt {
namespace {

struct Sizes {
  int64_t window = 3;
  int64_t tokens = 6;
  int64_t read_before = 0;  ///< of the block, by earlier calls; then `tokens` are part of it
  int64_t lanes = 2;
  int64_t heads = 2;
  int64_t head_size = 4;

  int64_t keys() const { return window + read_before + tokens; }
  bool whole_blocks() const { return read_before == 0 && tokens % window == 0 && tokens > 0; }
  int64_t rows() const { return whole_blocks() ? window : tokens; }
  int64_t window_keys() const { return whole_blocks() ? 2 * window : keys(); }
};

/// query, keys, values, bias, scale
std::vector<at::Tensor> random_arguments(const Sizes& sizes, at::ScalarType dtype = at::kDouble) {
  return {random_tensor({sizes.lanes, sizes.tokens, sizes.heads, sizes.head_size}, 1, dtype),
          random_tensor({sizes.lanes, sizes.keys(), sizes.heads, sizes.head_size}, 2, dtype),
          random_tensor({sizes.lanes, sizes.keys(), sizes.heads, sizes.head_size}, 3, dtype),
          random_tensor({sizes.heads, sizes.window}, 4, dtype),
          random_tensor({sizes.heads}, 5, dtype)};
}

/// Neither bias nor scale.
WindowAttentionOptions plain_options(int64_t window) {
  WindowAttentionOptions options;
  options.window = window;
  return options;
}

WindowAttentionOptions options_of(const std::vector<at::Tensor>& in, const Sizes& sizes) {
  WindowAttentionOptions options = plain_options(sizes.window);
  options.bias_HW = in[3];
  options.scale_H = in[4];
  return options;
}

at::Tensor attend(const std::vector<at::Tensor>& in, const Sizes& sizes) {
  return window_attention(in[0], in[1], in[2], options_of(in, sizes));
}

double product_of(const at::Tensor& a, const at::Tensor& b) {
  double sum = 0.0;
  for (int64_t k = 0; k < a.size(0); ++k) {
    sum += a[k].item<double>() * b[k].item<double>();
  }
  return sum;
}

/// One query over the keys that it sees; `i` counts tokens of the call, `m` all keys, cache first.
at::Tensor slow_row(const std::vector<at::Tensor>& in,
                    const WindowAttentionOptions& options,
                    const Sizes& sizes,
                    std::array<int64_t, 3> index_BNH) {
  const auto [b, i, h] = index_BNH;
  const int64_t block = sizes.whole_blocks() ? i / sizes.window : 0;
  const int64_t row = i - block * sizes.window;
  const double scale =
      options.scale_H.defined() ? std::abs(options.scale_H[h].item<double>()) : 1.0;
  const bool empty_cache = options.empty_cache_B.defined() && options.empty_cache_B[b].item<bool>();
  double sum = 0.0;
  at::Tensor mix = at::zeros({sizes.head_size}, at::kDouble);
  for (int64_t m = 0; m < sizes.keys(); ++m) {
    const int64_t distance = sizes.window + sizes.read_before + i - m;
    if (distance < 1 || distance > sizes.window ||
        (empty_cache && block == 0 && m < sizes.window)) {
      continue;
    }
    const int64_t j = m - block * sizes.window;
    const double bias = options.bias_HW.defined()
                            ? options.bias_HW[h][sizes.window - distance].item<double>()
                            : 0.0;
    const double weight = std::exp((product_of(in[0][b][i][h], in[1][b][m][h]) + bias) * scale);
    sum += weight;
    const double kept = options.dropout_mask_HWJ.defined()
                            ? options.dropout_mask_HWJ[h][row][j].item<double>()
                            : 1.0;
    mix += in[2][b][m][h].to(at::kDouble) * (weight * kept);
  }
  return sum > 0.0 ? mix / sum : mix;
}

at::Tensor slow_window_attention(const std::vector<at::Tensor>& in,
                                 const WindowAttentionOptions& options,
                                 const Sizes& sizes) {
  at::Tensor out = at::zeros(in[0].sizes(), at::kDouble);
  for (int64_t b = 0; b < sizes.lanes; ++b) {
    for (int64_t i = 0; i < sizes.tokens; ++i) {
      for (int64_t h = 0; h < sizes.heads; ++h) {
        out[b][i][h] = slow_row(in, options, sizes, {b, i, h});
      }
    }
  }
  return out;
}

const std::vector<Sizes>& all_sizes() {
  static const std::vector<Sizes> sizes = {
      {.window = 1, .tokens = 1},
      {.window = 1, .tokens = 3},
      {.window = 3, .tokens = 0},
      {.window = 3, .tokens = 3, .heads = 1},
      {.window = 3, .tokens = 9, .lanes = 1, .head_size = 1},
      {.window = 4, .tokens = 8},
      {.window = 4, .tokens = 1, .read_before = 0},
      {.window = 4, .tokens = 3, .read_before = 0},
      {.window = 4, .tokens = 1, .read_before = 3},
      {.window = 4, .tokens = 2, .read_before = 1},
      {.window = 4, .tokens = 3, .read_before = 1, .heads = 1},
  };
  return sizes;
}

std::string text_of(const Sizes& sizes) {
  return "W " + std::to_string(sizes.window) + ", N " + std::to_string(sizes.tokens) + ", before " +
         std::to_string(sizes.read_before);
}

TEST(WindowAttention, EqualsPlainLoopsForWholeBlocksAndParts) {
  for (const Sizes& sizes : all_sizes()) {
    const std::vector<at::Tensor> in = random_arguments(sizes);
    EXPECT_TRUE(near(attend(in, sizes), slow_window_attention(in, options_of(in, sizes), sizes),
                     tolerance::kFloat64))
        << text_of(sizes);
  }
}

TEST(WindowAttention, BiasAndScaleMayBeAbsent) {
  const Sizes sizes;
  const std::vector<at::Tensor> in = random_arguments(sizes);
  for (const bool with_bias : {false, true}) {
    for (const bool with_scale : {false, true}) {
      WindowAttentionOptions options = plain_options(sizes.window);
      options.bias_HW = with_bias ? in[3] : at::Tensor();
      options.scale_H = with_scale ? in[4] : at::Tensor();
      EXPECT_TRUE(near(window_attention(in[0], in[1], in[2], options),
                       slow_window_attention(in, options, sizes), tolerance::kFloat64))
          << with_bias << with_scale;
    }
  }
}

TEST(WindowAttention, ScaleMultipliesTheBiasToo) {
  const Sizes sizes;
  const std::vector<at::Tensor> in = random_arguments(sizes);
  WindowAttentionOptions options = plain_options(sizes.window);
  options.bias_HW = in[3] * in[4].abs().unsqueeze(1);
  const at::Tensor want = window_attention(in[0] * in[4].abs().unsqueeze(1), in[1], in[2], options);
  EXPECT_TRUE(near(attend(in, sizes), want, tolerance::kFloat64));
}

TEST(WindowAttention, TakesAnyStrides) {
  const Sizes sizes;
  const std::vector<at::Tensor> in = random_arguments(sizes);
  const at::Tensor heads_first = in[1].transpose(1, 2).contiguous().transpose(1, 2);
  WindowAttentionOptions options = options_of(in, sizes);
  options.bias_HW = non_contiguous(in[3]);
  EXPECT_TRUE(
      near(window_attention(non_contiguous(in[0]), heads_first, non_contiguous(in[2]), options),
           attend(in, sizes), tolerance::kFloat64));
}

TEST(WindowAttention, PartsOfABlockEqualTheWhole) {
  const Sizes sizes = {.window = 5, .tokens = 5};
  const std::vector<at::Tensor> in = random_arguments(sizes);
  const at::Tensor whole = attend(in, sizes);
  for (int64_t first = 0; first < 5; ++first) {
    for (int64_t rows = 1; first + rows <= 5; ++rows) {
      const int64_t keys = 5 + first + rows;
      const WindowAttentionOptions options = options_of(in, sizes);
      const at::Tensor part =
          window_attention(in[0].narrow(1, first, rows), in[1].narrow(1, 0, keys),
                           in[2].narrow(1, 0, keys), options);
      EXPECT_TRUE(near(part, whole.narrow(1, first, rows), tolerance::kFloat64));
    }
  }
}

TEST(WindowAttention, ATokenSeesNeitherItselfNorLaterNorFartherKeys) {
  const Sizes sizes = {.window = 3, .tokens = 9};
  const std::vector<at::Tensor> in = random_arguments(sizes, at::kFloat);
  const at::Tensor before = attend(in, sizes);
  for (int64_t m = 0; m < sizes.keys(); ++m) {
    std::vector<at::Tensor> changed = in;
    changed[1] = in[1].clone();
    changed[1].select(1, m).add_(1.0);
    changed[2] = in[2].clone();
    changed[2].select(1, m).add_(1.0);
    const at::Tensor after = attend(changed, sizes);
    for (int64_t i = 0; i < sizes.tokens; ++i) {
      const int64_t distance = sizes.window + i - m;
      const bool visible = distance >= 1 && distance <= sizes.window;
      EXPECT_EQ(!at::equal(after.select(1, i), before.select(1, i)), visible) << i << " " << m;
    }
  }
}

TEST(WindowAttention, EmptyCacheIsHiddenInTheFirstBlockOfItsLane) {
  for (Sizes sizes : all_sizes()) {
    sizes.lanes = 2;
    const std::vector<at::Tensor> in = random_arguments(sizes);
    WindowAttentionOptions options = options_of(in, sizes);
    options.empty_cache_B = at::tensor({0, 1}).to(at::kBool);
    EXPECT_TRUE(near(window_attention(in[0], in[1], in[2], options),
                     slow_window_attention(in, options, sizes), tolerance::kFloat64))
        << text_of(sizes);
  }
}

TEST(WindowAttention, RowWithAllKeysHiddenIsZero) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const Sizes sizes;
    const std::vector<at::Tensor> in = random_arguments(sizes, dtype);
    WindowAttentionOptions options = options_of(in, sizes);
    options.empty_cache_B = at::tensor({0, 1}).to(at::kBool);
    const at::Tensor out = window_attention(in[0], in[1], in[2], options);
    EXPECT_TRUE(bit_equal(out[1][0], at::zeros_like(out[1][0])));
    EXPECT_GT(out[1][1].abs().sum().item<double>(), 0.0);
    EXPECT_TRUE(bit_equal(out[0], attend(in, sizes)[0]));
  }
}

TEST(WindowAttention, DropoutMaskMultipliesTheProbabilities) {
  for (const Sizes& sizes : all_sizes()) {
    const std::vector<at::Tensor> in = random_arguments(sizes);
    WindowAttentionOptions options = options_of(in, sizes);
    options.dropout_mask_HWJ = dropout_mask({sizes.heads, sizes.rows(), sizes.window_keys()}, 0.4,
                                            /*seed=*/7, in[0].options());
    EXPECT_TRUE(near(window_attention(in[0], in[1], in[2], options),
                     slow_window_attention(in, options, sizes), tolerance::kFloat64))
        << text_of(sizes);
  }
}

TEST(WindowAttention, GradientEqualsDifferencesForWholeBlocksAndParts) {
  const std::vector<Sizes> several = {{.window = 2, .tokens = 4, .head_size = 3},
                                      {.window = 3, .tokens = 2, .read_before = 1, .head_size = 3}};
  for (const Sizes& sizes : several) {
    EXPECT_TRUE(
        gradients_match([&](const std::vector<at::Tensor>& in) { return attend(in, sizes); },
                        random_arguments(sizes)))
        << text_of(sizes);
  }
}

TEST(WindowAttention, GradientEqualsDifferencesWithEmptyCacheAndDropout) {
  const Sizes sizes = {.window = 2, .tokens = 4, .head_size = 3};
  EXPECT_TRUE(gradients_match(
      [&](const std::vector<at::Tensor>& in) {
        WindowAttentionOptions options = options_of(in, sizes);
        options.empty_cache_B = at::tensor({0, 1}).to(at::kBool);
        options.dropout_mask_HWJ = dropout_mask({2, 2, 4}, 0.3, /*seed=*/7, in[0].options());
        return window_attention(in[0], in[1], in[2], options);
      },
      random_arguments(sizes)));
}

TEST(WindowAttention, BucketsThatAreNeverReadHaveNoGradient) {
  const Sizes sizes = {.window = 4, .tokens = 8};
  const std::vector<at::Tensor> in = random_arguments(sizes);
  const at::Tensor table_HU = random_tensor({2, 16}, 8).requires_grad_();
  WindowAttentionOptions options = options_of(in, sizes);
  options.bias_HW = position_bias(table_HU, 4, 64);
  (window_attention(in[0], in[1], in[2], options) * random_tensor(in[0].sizes(), 9))
      .sum()
      .backward();
  for (int64_t bucket = 0; bucket < 16; ++bucket) {
    const bool read = bucket >= 1 && bucket <= 4;
    EXPECT_EQ(table_HU.grad().select(1, bucket).abs().sum().item<double>() > 0.0, read) << bucket;
  }
}

TEST(WindowAttention, BFloat16IsCloseToFloat32) {
  const Sizes sizes = {.window = 8, .tokens = 24, .head_size = 8};
  std::vector<at::Tensor> in = random_arguments(sizes, at::kFloat);
  const at::Tensor want = attend(in, sizes);
  for (size_t i = 0; i < 3; ++i) {
    in[i] = in[i].to(at::kBFloat16);
  }
  const at::Tensor half = attend(in, sizes);
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(half, want, 2 * tolerance::kBFloat16));
}

/// Sizes that reach every branch of the kernels: windows and heads that fill no panel, parts of
/// blocks, more tokens than a tile.
const std::vector<Sizes>& fused_sizes() {
  static const std::vector<Sizes> sizes = {
      {.window = 1, .tokens = 9, .lanes = 1, .head_size = 8},
      {.window = 7, .tokens = 14, .lanes = 3, .head_size = 40},
      {.window = 16, .tokens = 80, .lanes = 2, .head_size = 64},
      {.window = 129, .tokens = 129, .lanes = 1, .heads = 1, .head_size = 128},
      {.window = 129, .tokens = 258, .lanes = 3, .heads = 1, .head_size = 40},
      {.window = 16, .tokens = 32, .lanes = 1, .head_size = 128},
      {.window = 128, .tokens = 256, .lanes = 1, .heads = 3, .head_size = 5},
      {.window = 100, .tokens = 40, .read_before = 33, .head_size = 7},
  };
  return sizes;
}

class FusedWindowAttention : public FusedAttentionTest {
 protected:
  std::vector<at::Tensor> arguments(const Sizes& sizes) const {
    return as_the_model_has_them(random_arguments(sizes, at::kFloat));
  }
};

TEST_P(FusedWindowAttention, OutputAndGradientsEqualTheReference) {
  for (const Sizes& sizes : fused_sizes()) {
    for (const bool empty : {false, true}) {
      std::vector<std::vector<at::Tensor>> gradients;
      std::vector<at::Tensor> outputs;
      for (const bool reference : {false, true}) {
        std::vector<at::Tensor> in = arguments(sizes);
        if (reference) {  // of the same numbers, without further rounding
          for (at::Tensor& argument : in) {
            argument = argument.detach().to(at::kDouble).requires_grad_();
          }
        }
        WindowAttentionOptions options = options_of(in, sizes);
        if (empty) {
          options.empty_cache_B = at::arange(sizes.lanes).eq(0);
        }
        outputs.push_back(reference ? window_attention_reference(in[0], in[1], in[2], options)
                                    : window_attention(in[0], in[1], in[2], options));
        (outputs.back().to(at::kFloat) * random_tensor(in[0].sizes(), 9, at::kFloat))
            .sum()
            .backward();
        std::vector<at::Tensor> found;
        for (const at::Tensor& argument : in) {
          found.push_back(argument.grad());
        }
        gradients.push_back(found);
      }
      EXPECT_TRUE(near(outputs[0].to(at::kFloat), outputs[1].to(at::kFloat), limit()))
          << text_of(sizes);
      for (size_t i = 0; i < 5; ++i) {
        const at::Tensor want = gradients[1][i].to(at::kFloat);
        const double largest = std::max(1.0, want.abs().max().item<double>());
        EXPECT_TRUE(near(gradients[0][i].to(at::kFloat) / largest, want / largest, limit()))
            << "argument " << i << ", " << text_of(sizes);
      }
    }
  }
}

TEST_P(FusedWindowAttention, OneAndTwoThreadsGiveEqualBits) {
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int num_threads : {1, 2}) {
    at::set_num_threads(num_threads);
    std::vector<at::Tensor> in = arguments({.window = 70, .tokens = 140, .head_size = 16});
    const at::Tensor out = attend(in, {.window = 70, .tokens = 140, .head_size = 16});
    out.to(at::kFloat).square().sum().backward();
    std::vector<at::Tensor> found = {out.detach()};
    for (const at::Tensor& argument : in) {
      found.push_back(argument.grad());
    }
    results.push_back(found);
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(bit_equal(results[0][i], results[1][i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         FusedWindowAttention,
                         testing::ValuesIn(fused_cases()),
                         fused_case_name);

TEST(WindowAttention, RefusesSizesThatDisagree) {
  const Sizes sizes;
  const auto message = [&](size_t argument, const at::Tensor& replacement) {
    std::vector<at::Tensor> in = random_arguments(sizes);
    in[argument] = replacement;
    return message_of<ShapeError>([&] { attend(in, sizes); });
  };
  EXPECT_EQ(message(0, at::zeros({2, 6, 4})),
            "window_attention: query_BNHK must be [*, *, *, *], got [2, 6, 4]");
  EXPECT_EQ(message(1, at::zeros({2, 9, 2, 3})),
            "window_attention: keys_BMHK must be [2, *, 2, 4], got [2, 9, 2, 3]");
  EXPECT_EQ(message(2, at::zeros({2, 8, 2, 4})),
            "window_attention: values_BMHK must be [2, 9, 2, *], got [2, 8, 2, 4]");
  EXPECT_EQ(message(3, at::zeros({2, 5})), "window_attention: bias_HW must be [2, 3], got [2, 5]");
  EXPECT_EQ(message(4, at::zeros({3})), "window_attention: scale_H must be [2], got [3]");
}

TEST(WindowAttention, RefusesWindowsBelowOneAndBeyondTheKeys) {
  const std::vector<at::Tensor> in = random_arguments({.window = 3, .tokens = 6});
  const auto message = [&](int64_t window) {
    return message_of<ShapeError>(
        [&] { window_attention(in[0], in[1], in[2], plain_options(window)); });
  };
  EXPECT_EQ(message(0), "window_attention: window must be at least 1, got 0");
  EXPECT_EQ(message(-1), "window_attention: window must be at least 1, got -1");
  const int64_t largest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(message(largest),
            "window_attention: 6 tokens with 9 keys are neither whole blocks of " +
                std::to_string(largest) + " nor part of one");
}

TEST(WindowAttention, RefusesWhatIsNoNumberAndFlagsOfAnotherSize) {
  const std::vector<at::Tensor> in = random_arguments({}, at::kFloat);
  const auto message = [&](size_t argument, at::ScalarType dtype) {
    std::vector<at::Tensor> changed = in;
    changed[argument] = changed[argument].to(dtype);
    return message_of<ShapeError>([&] { attend(changed, {}); });
  };
  EXPECT_EQ(message(2, at::kInt),
            "window_attention: values_BMHK must be of float32, float64, bfloat16 or float16, got "
            "Int");
  EXPECT_EQ(message(3, at::kLong),
            "window_attention: bias_HW must be of float32, float64, bfloat16 or float16, got Long");
  WindowAttentionOptions options = options_of(in, {});
  options.empty_cache_B = at::ones({1}, at::kBool);
  EXPECT_EQ(message_of<ShapeError>([&] { window_attention(in[0], in[1], in[2], options); }),
            "window_attention: empty_cache_B must be [2], got [1]");
  options.empty_cache_B = at::ones({2}, at::kFloat);
  EXPECT_EQ(message_of<ShapeError>([&] { window_attention(in[0], in[1], in[2], options); }),
            "window_attention: empty_cache_B must be of bool, got Float");
}

TEST(WindowAttention, OperandsOfSeveralDtypesAreComputedInTheWidest) {
  const Sizes sizes = {.window = 8, .tokens = 24, .head_size = 8};
  for (const size_t narrow : {0, 1, 2}) {
    std::vector<at::Tensor> in = random_arguments(sizes, at::kFloat);
    in[narrow] = in[narrow].to(at::kBFloat16);
    const at::ScalarType dtype = in[0].scalar_type();
    for (at::Tensor& argument : in) {
      argument.requires_grad_();
    }
    const at::Tensor out = attend(in, sizes);
    EXPECT_EQ(out.scalar_type(), dtype);
    std::vector<at::Tensor> wide;
    for (const at::Tensor& argument : in) {
      wide.push_back(argument.detach().to(at::kFloat));
    }
    EXPECT_TRUE(
        near(out.detach().to(at::kFloat), attend(wide, sizes).to(dtype).to(at::kFloat), 1e-6));
    out.sum().backward();
    EXPECT_EQ(in[narrow].grad().scalar_type(), at::kBFloat16);
  }
}

TEST(WindowAttention, ValuesMayHaveAnotherHeadSize) {
  const Sizes sizes = {.window = 8, .tokens = 24, .head_size = 8};
  std::vector<at::Tensor> in = random_arguments(sizes, at::kFloat);
  const at::Tensor whole = attend(in, sizes);
  in[2] = in[2].narrow(3, 0, 3);
  EXPECT_TRUE(near(attend(in, sizes), whole.narrow(3, 0, 3), 1e-5));
}

TEST(WindowAttention, RefusesTokensThatAreNeitherWholeBlocksNorPartOfOne) {
  for (const int64_t tokens : {4, 7}) {
    const Sizes sizes = {.window = 3, .tokens = tokens};
    const std::vector<at::Tensor> in = random_arguments(sizes);
    EXPECT_EQ(message_of<ShapeError>(
                  [&] { window_attention(in[0], in[1], in[2], plain_options(sizes.window)); }),
              "window_attention: " + std::to_string(tokens) + " tokens with " +
                  std::to_string(tokens + 3) +
                  " keys are neither whole blocks of 3 nor part of one");
  }
  const std::vector<at::Tensor> in = random_arguments({.window = 3, .tokens = 3});
  EXPECT_EQ(
      message_of<ShapeError>([&] { window_attention(in[0], in[1], in[2], plain_options(4)); }),
      "window_attention: 3 tokens with 6 keys are neither whole blocks of 4 nor part of one");
}

}  // namespace
}  // namespace brt
