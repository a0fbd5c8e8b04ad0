// SPDX-License-Identifier: Apache-2.0
// Products, packing and attention of random shapes between guard pages: nothing outside is touched.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/attention.h"
#include "kernels/cpu_target.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "support/guarded_buffer.h"

namespace brt::kernels {
namespace {

/// Shapes of each test: 150, or what BRT_RANDOM_SHAPES says (make sanitize: thousands).
int64_t num_shapes() {
  const char* text = std::getenv("BRT_RANDOM_SHAPES");
  return text == nullptr ? 150 : std::atoll(text);
}

class GuardedShapes : public testing::TestWithParam<CpuTarget> {
 protected:
  void SetUp() override { force_cpu_target(GetParam()); }
  void TearDown() override { force_cpu_target(supported_targets().back()); }

  int64_t pick(int64_t smallest, int64_t largest) {
    return std::uniform_int_distribution<int64_t>(smallest, largest)(random_);
  }

  template <class T>
  void fill(const GuardedBuffer<T>& buffer, int64_t size) {
    std::uniform_real_distribution<float> value(-1.0F, 1.0F);
    for (int64_t i = 0; i < size; ++i) {
      from_float(value(random_), buffer.data()[i]);
    }
  }

  template <class T>
  void multiply_random_shape();
  template <class T>
  void attend_random_shape();

  std::mt19937_64 random_{7};
};

template <class T>
void GuardedShapes::multiply_random_shape() {
  const int64_t rows = pick(1, 110);
  const int64_t columns = pick(1, 200);
  const int64_t depth = pick(1, 150);
  const int64_t size = panel_size(depth, static_cast<const T*>(nullptr));
  const GuardedBuffer<T> left(rows * depth);
  const GuardedBuffer<T> right(depth * columns);
  const GuardedBuffer<T> transposed(depth * columns);
  const GuardedBuffer<T> panels(num_panels(columns) * size);
  const GuardedBuffer<float> out(rows * columns);
  fill(left, rows * depth);
  fill(right, depth * columns);
  transpose(TransposeArgs<T>{right.data(), columns, transposed.data(), depth, depth, 0, columns});
  if (pick(0, 1) == 0) {
    pack_rows(PackArgs<T, T>{right.data(), columns, panels.data(), depth, columns}, 0,
              num_panels(columns));
  } else {
    pack_columns(PackArgs<T, T>{transposed.data(), depth, panels.data(), depth, columns}, 0,
                 num_panels(columns));
  }
  MatmulArgs<T> args;
  args.left = left.data();
  args.left_stride = depth;
  args.panels = panels.data();
  args.out = out.data();
  args.out_stride = columns;
  args.rows = rows;
  args.columns = columns;
  args.depth = depth;
  args.output = MatmulOutput::kStoreFloat;
  matmul(args);
  const int64_t row = pick(0, rows - 1);
  const int64_t column = pick(0, columns - 1);
  double want = 0.0;
  for (int64_t k = 0; k < depth; ++k) {
    want += static_cast<double>(to_float(left.data()[row * depth + k])) *
            static_cast<double>(to_float(right.data()[k * columns + column]));
  }
  ASSERT_NEAR(out.data()[row * columns + column], want, 1e-4)
      << "[" << rows << ", " << depth << "] times [" << depth << ", " << columns << "]";
}

/// One lane with one head: keys of a window before and with the tokens.
template <class T>
void GuardedShapes::attend_random_shape() {
  const int64_t head_size = pick(1, 130);
  const int64_t window = pick(1, 150);
  const int64_t rows = pick(1, kAttentionRows);
  const int64_t first = pick(0, 40);
  const int64_t num_keys = window + first + rows;
  const auto packed = [&](const GuardedBuffer<T>& values, GuardedBuffer<T>& rows_panels,
                          GuardedBuffer<T>& column_panels) {
    fill(values, num_keys * head_size);
    pack_rows(PackArgs<T, T>{values.data(), head_size, rows_panels.data(), num_keys, head_size}, 0,
              num_panels(head_size));
    pack_columns(
        PackArgs<T, T>{values.data(), head_size, column_panels.data(), head_size, num_keys}, 0,
        num_panels(num_keys));
  };
  const T* type = nullptr;
  const GuardedBuffer<T> keys(num_keys * head_size);
  const GuardedBuffer<T> values(num_keys * head_size);
  GuardedBuffer<T> key_rows(num_panels(head_size) * panel_size(num_keys, type));
  GuardedBuffer<T> value_rows(num_panels(head_size) * panel_size(num_keys, type));
  GuardedBuffer<T> key_columns(num_panels(num_keys) * panel_size(head_size, type));
  GuardedBuffer<T> value_columns(num_panels(num_keys) * panel_size(head_size, type));
  packed(keys, key_rows, key_columns);
  packed(values, value_rows, value_columns);
  const GuardedBuffer<float> bias(window);
  fill(bias, window);
  AttentionHead<T> head;
  head.key_columns = key_columns.data();
  head.value_rows = value_rows.data();
  head.value_columns = value_columns.data();
  head.key_rows = key_rows.data();
  head.bias = bias.data();
  head.scale = 0.7F;
  head.head_size = head_size;
  head.num_keys = num_keys;
  head.window = window;
  head.first_visible = pick(0, 1) * window;

  const GuardedBuffer<T> query(rows * head_size);
  const GuardedBuffer<T> out(rows * head_size);
  const GuardedBuffer<float> log_sum(rows);
  fill(query, rows * head_size);
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

  const GuardedBuffer<T> out_gradient(rows * head_size);
  const GuardedBuffer<T> query_gradient(rows * head_size);
  const GuardedBuffer<float> key_gradient(num_keys * head_size);
  const GuardedBuffer<float> value_gradient(num_keys * head_size);
  const GuardedBuffer<float> bias_gradient(window);
  double scale_gradient = 0.0;
  fill(out_gradient, rows * head_size);
  AttentionTileGradient<T> gradient;
  gradient.out_gradient = out_gradient.data();
  gradient.query_gradient = query_gradient.data();
  gradient.key_gradient = key_gradient.data();
  gradient.value_gradient = value_gradient.data();
  gradient.bias_gradient = bias_gradient.data();
  gradient.scale_gradient = &scale_gradient;
  attention_backward(head, tile, gradient, scratch.data());

  // With values between -1 and 1, so is every mean of them.
  for (int64_t i = 0; i < rows * head_size; ++i) {
    ASSERT_LE(std::abs(to_float(out.data()[i])), 1.01F);
    ASSERT_TRUE(std::isfinite(to_float(query_gradient.data()[i])));
  }
  ASSERT_TRUE(std::isfinite(scale_gradient));
}

TEST_P(GuardedShapes, ProductsTouchNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    multiply_random_shape<float>();
    multiply_random_shape<Bfloat16>();
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
                         [](const testing::TestParamInfo<CpuTarget>& target) {
                           return std::string(to_word(target.param));
                         });

}  // namespace
}  // namespace brt::kernels
