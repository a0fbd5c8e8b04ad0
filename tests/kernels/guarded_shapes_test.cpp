// SPDX-License-Identifier: Apache-2.0
// Products, packing and attention of random shapes between guard pages: nothing outside is touched.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "kernels/attention.h"
#include "kernels/int8_matmul.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "kernels/random_shapes.h"

namespace brt::kernels {
namespace {

constexpr float kUntouched = 77.0F;

class GuardedShapes : public RandomShapes {
 protected:
  template <class T>
  void multiply_random_shape();
  void multiply_random_int8_shape();
  template <class T>
  void attend_random_shape();

  template <class T>
  void pack_random_source(const Values<T>& right, int64_t depth, int64_t columns, T* panels);
};

/// Panels of right [depth, columns], from its rows or from its transpose.
template <class T>
void GuardedShapes::pack_random_source(const Values<T>& right,
                                       int64_t depth,
                                       int64_t columns,
                                       T* panels) {
  const bool by_rows = pick_half();
  const GuardedBuffer<T> transposed(depth * columns);
  transpose(TransposeArgs<T>{right.data(), columns, transposed.data(), depth, depth, 0, columns});
  in_ranges(num_panels(columns), [&](int64_t begin, int64_t end) {
    if (by_rows) {
      pack_rows(PackArgs<T, T>{right.data(), columns, panels, depth, columns}, begin, end);
    } else {
      pack_columns(PackArgs<T, T>{transposed.data(), depth, panels, depth, columns}, begin, end);
    }
  });
}

template <class T>
void GuardedShapes::multiply_random_shape() {
  const MatmulOutput output = static_cast<MatmulOutput>(pick(0, 4));
  const LeftForm form = static_cast<LeftForm>(pick(0, 2));
  const int64_t rows = pick_size(form == LeftForm::kPanel ? 63 : 110);
  const int64_t columns = pick_size(200);
  const int64_t depth = pick_size(150);
  const int64_t stride = columns + pick(0, 3);
  const int64_t out_size = (rows - 1) * stride + columns;
  const T* type = nullptr;
  const Values<T> left(random_, rows * depth);
  const Values<T> right(random_, depth * columns);
  const GuardedBuffer<T> panels(num_panels(columns) * panel_size(depth, type));
  pack_random_source(right, depth, columns, panels.data());
  const GuardedBuffer<T> left_panel(panel_size(depth, type));  // also the scratch
  const GuardedBuffer<T> left_transposed(depth * rows);
  const Values<float> out(random_, out_size, kUntouched, kUntouched);
  const Values<T> narrow_out(random_, out_size, kUntouched, kUntouched);
  const Values<float> addend(random_, out_size);
  const bool is_narrow = output == MatmulOutput::kStore || output == MatmulOutput::kStoreRelu;
  MatmulArgs<T> args;
  args.left = left.data();
  args.left_stride = depth;
  args.left_form = form;
  if (form == LeftForm::kPanel) {  // of the transpose, whose columns are the rows of left
    pack_columns(PackArgs<T, T>{left.data(), depth, left_panel.data(), depth, rows}, 0, 1);
    args.left = left_panel.data();
  } else if (form == LeftForm::kTransposed) {
    transpose(TransposeArgs<T>{left.data(), depth, left_transposed.data(), rows, rows, 0, depth});
    args.left = left_transposed.data();
    args.left_stride = rows;
  }
  args.panels = panels.data();
  args.out = is_narrow ? static_cast<void*>(narrow_out.data()) : out.data();
  args.out_stride = stride;
  args.rows = rows;
  args.columns = columns;
  args.depth = depth;
  args.output = output;
  args.addend = output == MatmulOutput::kStoreSum ? addend.data() : nullptr;
  if (form == LeftForm::kTransposed) {
    transposed_matmul(args, left_panel.data());
  } else {
    matmul(args);
  }
  const auto got = [&](int64_t place) {
    return is_narrow ? number(narrow_out.data()[place]) : number(out.data()[place]);
  };
  const int64_t row = pick(0, rows - 1);
  const int64_t column = pick(0, columns - 1);
  double want = 0.0;
  for (int64_t k = 0; k < depth; ++k) {
    want += number(left.data()[row * depth + k]) * number(right.data()[k * columns + column]);
  }
  if (output == MatmulOutput::kStoreRelu) {
    want = std::max(want, 0.0);
  } else if (output == MatmulOutput::kAddFloat) {
    want += static_cast<double>(kUntouched);
  } else if (output == MatmulOutput::kStoreSum) {
    want += number(addend.data()[row * stride + column]);
  }
  const double rounding = is_narrow ? rounding_of(type) * std::abs(want) : 0.0;
  ASSERT_NEAR(got(row * stride + column), want, 2e-4 + rounding)
      << "[" << rows << ", " << depth << "] times [" << depth << ", " << columns << "], output "
      << static_cast<int>(output) << ", form " << static_cast<int>(form);
  for (int64_t r = 0; r + 1 < rows; ++r) {
    for (int64_t between = columns; between < stride; ++between) {
      ASSERT_EQ(got(r * stride + between), number(kUntouched)) << "between rows";
    }
  }
}

void GuardedShapes::multiply_random_int8_shape() {
  const MatmulOutput output = pick_half() ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat;
  const int64_t rows = pick_size(20);
  const int64_t columns = pick_size(200);
  const int64_t depth = pick_size(300);
  const int64_t stride = int8_padded_depth(depth) + pick(0, 5);
  const int64_t padded_columns = num_panels(columns) * kPanelColumns;
  const Values<float> x(random_, rows * depth);
  const Values<float> weights(random_, columns * depth);
  const GuardedBuffer<int8_t> panels(num_panels(columns) * int8_panel_size(depth));
  const GuardedBuffer<float> column_scale(padded_columns);
  const GuardedBuffer<int32_t> column_sum(padded_columns);
  in_ranges(num_panels(columns), [&](int64_t begin, int64_t end) {
    pack_int8({weights.data(), depth, panels.data(), column_scale.data(), column_sum.data(), depth,
               columns},
              begin, end);
  });
  const GuardedBuffer<uint8_t> high(rows * stride);
  const GuardedBuffer<uint8_t> low(rows * stride);
  const GuardedBuffer<float> row_scale(rows);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    quantize_rows({x.data(), depth, high.data(), low.data(), stride, row_scale.data(), depth},
                  begin, end);
  });
  const Values<float> out(random_, rows * columns, 1.0F, 1.0F);
  MatmulInt8Args args;
  args.high = high.data();
  args.low = low.data();
  args.left_stride = stride;
  args.row_scale = row_scale.data();
  args.panels = panels.data();
  args.column_scale = column_scale.data();
  args.column_sum = column_sum.data();
  args.out = out.data();
  args.out_stride = columns;
  args.rows = rows;
  args.columns = columns;
  args.depth = depth;
  args.output = output;
  matmul_int8(args);
  const int64_t row = pick(0, rows - 1);
  const int64_t column = pick(0, columns - 1);
  double want = 0.0;
  for (int64_t k = 0; k < depth; ++k) {
    want += number(x.data()[row * depth + k]) * number(weights.data()[column * depth + k]);
  }
  if (output == MatmulOutput::kAddFloat) {
    want += 1.0;
  }
  // Weights are off by up to half of 1/127 each.
  ASSERT_NEAR(number(out.data()[row * columns + column]), want, 0.005 * static_cast<double>(depth))
      << "[" << rows << ", " << depth << "] times [" << depth << ", " << columns << "]";
}

/// One lane with one head: keys of a window before and with the tokens, or all keys for all rows.
template <class T>
void GuardedShapes::attend_random_shape() {
  const int64_t head_size = pick_size(130);
  const int64_t window = pick(0, 2) == 0 ? 0 : pick_size(150);
  const int64_t rows = pick_size(kAttentionRows - 1);
  const int64_t first = pick(0, 40);
  const int64_t num_keys = window == 0 ? pick_size(150) : window + first + rows;
  const bool has_bias = window > 0 && pick_half();
  const T* type = nullptr;
  const Values<T> keys(random_, num_keys * head_size);
  const Values<T> values(random_, num_keys * head_size);
  const GuardedBuffer<T> key_rows(num_panels(head_size) * panel_size(num_keys, type));
  const GuardedBuffer<T> value_rows(num_panels(head_size) * panel_size(num_keys, type));
  const GuardedBuffer<T> key_columns(num_panels(num_keys) * panel_size(head_size, type));
  const GuardedBuffer<T> value_columns(num_panels(num_keys) * panel_size(head_size, type));
  const auto pack = [&](const Values<T>& source, T* by_rows, T* by_columns) {
    pack_rows(PackArgs<T, T>{source.data(), head_size, by_rows, num_keys, head_size}, 0,
              num_panels(head_size));
    pack_columns(PackArgs<T, T>{source.data(), head_size, by_columns, head_size, num_keys}, 0,
                 num_panels(num_keys));
  };
  pack(keys, key_rows.data(), key_columns.data());
  pack(values, value_rows.data(), value_columns.data());
  const Values<float> bias(random_, window);
  AttentionHead<T> head;
  head.key_columns = key_columns.data();
  head.value_rows = value_rows.data();
  head.value_columns = value_columns.data();
  head.key_rows = key_rows.data();
  head.bias = has_bias ? bias.data() : nullptr;
  head.scale = 0.7F;
  head.head_size = head_size;
  head.num_keys = num_keys;
  head.window = window;
  head.first_visible = window > 0 ? pick(0, num_keys) : 0;

  const Values<T> query(random_, rows * head_size);
  const Values<T> out(random_, rows * head_size);
  const Values<float> log_sum(random_, rows);
  AttentionTile<T> tile;
  tile.first = first;
  tile.rows = rows;
  tile.stride = head_size;
  tile.query = query.data();
  tile.out = out.data();
  tile.log_sum = log_sum.data();
  struct alignas(64) Line {
    char bytes[64];
  };
  const GuardedBuffer<Line> scratch(attention_scratch_bytes(head) / 64 + 1);
  attention_forward(head, tile, scratch.data());

  const Values<T> out_gradient(random_, rows * head_size);
  const Values<T> query_gradient(random_, rows * head_size);
  const Values<float> key_gradient(random_, num_keys * head_size);
  const Values<float> value_gradient(random_, num_keys * head_size);
  const Values<float> bias_gradient(random_, window);
  double scale_gradient = 0.0;
  AttentionTileGradient<T> gradient;
  gradient.out_gradient = out_gradient.data();
  gradient.query_gradient = query_gradient.data();
  gradient.key_gradient = key_gradient.data();
  gradient.value_gradient = value_gradient.data();
  gradient.bias_gradient = has_bias ? bias_gradient.data() : nullptr;
  gradient.scale_gradient = &scale_gradient;
  attention_backward(head, tile, gradient, scratch.data());

  // With values between -1 and 1, so is every mean of them.
  for (int64_t i = 0; i < rows * head_size; ++i) {
    ASSERT_LE(std::abs(to_float(out.data()[i])), 1.01F);
  }
  ASSERT_TRUE(all_finite(query_gradient));
  ASSERT_TRUE(all_finite(key_gradient));
  ASSERT_TRUE(all_finite(value_gradient));
  ASSERT_TRUE(all_finite(bias_gradient));
  ASSERT_TRUE(std::isfinite(scale_gradient));
}

TEST_P(GuardedShapes, ProductsTouchNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    multiply_random_shape<float>();
    multiply_random_shape<Bfloat16>();
  }
}

TEST_P(GuardedShapes, Int8ProductsTouchNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    multiply_random_int8_shape();
  }
}

TEST_P(GuardedShapes, AttentionTouchesNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    attend_random_shape<float>();
    attend_random_shape<Bfloat16>();
  }
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         GuardedShapes,
                         testing::ValuesIn(supported_targets()),
                         target_name);

}  // namespace
}  // namespace brt::kernels
