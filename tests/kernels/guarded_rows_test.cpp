// SPDX-License-Identifier: Apache-2.0
// Kernels over rows and elements, of random sizes between guard pages: nothing outside is touched.
#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "kernels/adafactor_update.h"
#include "kernels/adamw_update.h"
#include "kernels/gates.h"
#include "kernels/random_shapes.h"
#include "kernels/rms_norm.h"
#include "kernels/rounding.h"
#include "kernels/softmax_gradient.h"
#include "kernels/sum_of_squares.h"
#include "kernels/unit_length.h"

namespace brt::kernels {
namespace {

class GuardedRows : public RandomShapes {
 protected:
  template <class T>
  void normalize_random_rows();
  template <class T>
  void bring_random_rows_to_unit_length();
  template <class T>
  void gate_random_rows();
  template <class T>
  void gate_random_elements();
  template <class T>
  void take_a_random_softmax();
  void round_random_elements();
  template <class T>
  void update_random_elements();
  template <class T>
  void update_a_random_matrix();
};

template <class T>
void GuardedRows::normalize_random_rows() {
  const int64_t rows = pick_size(12);
  const int64_t width = pick_size(300);
  const Values<float> x(random_, rows * width);
  const Values<float> gain(random_, width);
  const Values<T> out(random_, rows * width, 9.0F, 9.0F);
  const Values<float> root(random_, rows);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    rms_norm(RmsNormArgs<T>{x.data(), gain.data(), out.data(), root.data(), width, 1e-6F}, begin,
             end);
  });
  const Values<T> out_gradient(random_, rows * width);
  const Values<float> x_gradient(random_, rows * width);
  const Values<float> gain_gradient(random_, width);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    rms_norm_backward(
        RmsNormBackwardArgs<T>{out_gradient.data(), x.data(), gain.data(), root.data(),
                               x_gradient.data(), gain_gradient.data(), width},
        begin, end);
  });
  const int64_t row = pick(0, rows - 1);
  double squares = 0.0;
  for (int64_t d = 0; d < width; ++d) {
    squares += number(x.data()[row * width + d]) * number(x.data()[row * width + d]);
  }
  const double want = 1.0 / std::sqrt(squares / static_cast<double>(width) + 1e-6);
  ASSERT_NEAR(number(root.data()[row]), want, 1e-5 * want) << rows << " x " << width;
  const int64_t last = row * width + width - 1;
  const double last_out = number(x.data()[last]) * want * number(gain.data()[width - 1]);
  ASSERT_NEAR(number(out.data()[last]), last_out, 0.01 * std::abs(last_out) + 1e-6);
  ASSERT_TRUE(all_finite(x_gradient));
  ASSERT_TRUE(all_finite(gain_gradient));
}

template <class T>
void GuardedRows::bring_random_rows_to_unit_length() {
  const int64_t rows = pick_size(20);
  const int64_t width = pick_size(140);
  const Values<T> x(random_, rows * width, 0.1F, 1.0F);
  const Values<T> out(random_, rows * width);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    unit_length(UnitLengthArgs<T>{x.data(), out.data(), width, 1e-6F}, begin, end);
  });
  const Values<T> out_gradient(random_, rows * width);
  const Values<T> x_gradient(random_, rows * width);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    unit_length_backward(
        UnitLengthBackwardArgs<T>{out_gradient.data(), x.data(), x_gradient.data(), width, 1e-6F},
        begin, end);
  });
  for (int64_t row = 0; row < rows; ++row) {
    double squares = 0.0;
    for (int64_t k = 0; k < width; ++k) {
      squares += number(out.data()[row * width + k]) * number(out.data()[row * width + k]);
    }
    ASSERT_NEAR(squares, 1.0, 0.02) << "row " << row << " of " << rows << " x " << width;
  }
  ASSERT_TRUE(all_finite(x_gradient));
}

template <class T>
void GuardedRows::gate_random_rows() {
  const int64_t rows = pick_size(12);
  const int64_t width = pick_size(200);
  const Values<float> state(random_, rows * width);
  const Values<T> candidate(random_, rows * width);
  const Values<float> keep(random_, width, 0.1F, 0.9F);
  const Values<float> out(random_, rows * width, 9.0F, 9.0F);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    fixed_gate(FixedGateArgs<T>{state.data(), candidate.data(), keep.data(), out.data(), width},
               begin, end);
  });
  const Values<float> out_gradient(random_, rows * width);
  const Values<float> state_gradient(random_, rows * width);
  const Values<T> candidate_gradient(random_, rows * width);
  const Values<float> keep_gradient(random_, width);
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    fixed_gate_backward(
        FixedGateBackwardArgs<T>{out_gradient.data(), state.data(), candidate.data(), keep.data(),
                                 state_gradient.data(), candidate_gradient.data(),
                                 keep_gradient.data(), width},
        begin, end);
  });
  const int64_t place = pick(0, rows * width - 1);
  const double f = number(keep.data()[place % width]);
  ASSERT_NEAR(number(out.data()[place]),
              number(state.data()[place]) * f + number(candidate.data()[place]) * (1.0 - f), 1e-5)
      << rows << " x " << width;
  ASSERT_TRUE(all_finite(state_gradient));
  ASSERT_TRUE(all_finite(candidate_gradient));
  ASSERT_TRUE(all_finite(keep_gradient));
}

template <class T>
void GuardedRows::gate_random_elements() {
  const int64_t size = pick_size(500);
  const Values<float> state(random_, size);
  const Values<T> candidate(random_, size);
  const Values<float> input(random_, size, -3.0F, 3.0F);
  const Values<float> forget(random_, size, -3.0F, 3.0F);
  const Values<float> out(random_, size, 9.0F, 9.0F);
  in_ranges(size, [&](int64_t begin, int64_t end) {
    lstm_gate(
        LstmGateArgs<T>{state.data(), candidate.data(), input.data(), forget.data(), out.data()},
        begin, end);
  });
  const Values<float> out_gradient(random_, size);
  const Values<float> state_gradient(random_, size);
  const Values<T> candidate_gradient(random_, size);
  const Values<float> input_gradient(random_, size);
  const Values<float> forget_gradient(random_, size);
  in_ranges(size, [&](int64_t begin, int64_t end) {
    lstm_gate_backward(
        LstmGateBackwardArgs<T>{out_gradient.data(), state.data(), candidate.data(), input.data(),
                                forget.data(), state_gradient.data(), candidate_gradient.data(),
                                input_gradient.data(), forget_gradient.data()},
        begin, end);
  });
  const int64_t place = pick(0, size - 1);
  const double i = 1.0 / (1.0 + std::exp(1.0 - number(input.data()[place])));
  const double f = 1.0 / (1.0 + std::exp(-1.0 - number(forget.data()[place])));
  ASSERT_NEAR(number(out.data()[place]),
              number(state.data()[place]) * f + number(candidate.data()[place]) * i, 1e-5)
      << size << " elements";
  ASSERT_TRUE(all_finite(state_gradient));
  ASSERT_TRUE(all_finite(candidate_gradient));
  ASSERT_TRUE(all_finite(input_gradient));
  ASSERT_TRUE(all_finite(forget_gradient));
}

/// The columns come in two pieces. The sum of a row's gradient is its factor.
template <class T>
void GuardedRows::take_a_random_softmax() {
  const int64_t rows = pick_size(12);
  const int64_t columns = pick_size(300);
  const int64_t stride = columns + pick(0, 3);
  const int64_t size = (rows - 1) * stride + columns;
  const Values<float> logits(random_, size, -5.0F, 5.0F);
  const Values<float> factors(random_, rows, 0.5F, 1.0F);
  const Values<T> out(random_, size);
  const GuardedBuffer<SoftmaxSum> sums(rows);
  for (int64_t row = 0; row < rows; ++row) {
    sums.data()[row] = SoftmaxSum();
  }
  in_ranges(columns, [&](int64_t begin, int64_t end) {
    softmax_sums({logits.data() + begin, stride, rows, end - begin, 0.5F, sums.data()});
  });
  SoftmaxGradientArgs<T> args;
  args.logits = logits.data();
  args.logits_stride = stride;
  args.sums = sums.data();
  args.factors = factors.data();
  args.out = out.data();
  args.out_stride = stride;
  args.rows = rows;
  args.columns = columns;
  args.scale = 0.5F;
  softmax_gradient(args);
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0.0;
    for (int64_t column = 0; column < columns; ++column) {
      sum += number(out.data()[row * stride + column]);
    }
    ASSERT_NEAR(sum, number(factors.data()[row]), 0.005) << rows << " x " << columns;
  }
}

void GuardedRows::round_random_elements() {
  const int64_t size = pick_size(500);
  const Values<float> x(random_, size);
  const Values<Bfloat16> out(random_, size);
  round_row(x.data(), out.data(), size);
  for (int64_t i = 0; i < size; ++i) {
    ASSERT_EQ(out.data()[i].bits, to_bfloat16(x.data()[i]).bits) << i << " of " << size;
  }
}

template <class T>
void GuardedRows::update_random_elements() {
  const int64_t size = pick_size(500);
  const Values<T> gradient(random_, size);
  const Values<T> momentum(random_, size);
  const Values<T> second_moment(random_, size, 0.1F, 1.0F);
  const Values<T> weight(random_, size);
  AdamWFactors factors{0.5, 0.9, 0.99, 0.999, 1.0, 1e-8, 1e-2};
  double squares = 0.0;
  in_ranges(size, [&](int64_t begin, int64_t end) {
    adamw_update(
        AdamWArrays<T>{gradient.data(), momentum.data(), second_moment.data(), weight.data()},
        factors, begin, end);
    const FullChange<T> change{gradient.data(), second_moment.data(), 0.5};
    squares += adafactor_second_moment(change, 0.9, 1e-30, begin, end);
    adafactor_apply(change, AdafactorWeight<T>{momentum.data(), weight.data(), 0.9, 0.1}, begin,
                    end);
    squares += sum_of_squares(gradient.data(), begin, end);
  });
  ASSERT_TRUE(std::isfinite(squares));
  ASSERT_TRUE(all_finite(momentum));
  ASSERT_TRUE(all_finite(second_moment));
  ASSERT_TRUE(all_finite(weight));
}

template <class T>
void GuardedRows::update_a_random_matrix() {
  const int64_t rows = pick_size(12);
  const int64_t columns = pick_size(200);
  const Values<T> gradient(random_, rows * columns);
  const Values<T> row_factor(random_, rows, 0.1F, 1.0F);
  const Values<T> column_factor(random_, columns, 0.1F, 1.0F);
  const Values<T> momentum(random_, rows * columns);
  const Values<T> weight(random_, rows * columns);
  const Values<double> row_sums(random_, rows);
  const Values<double> column_sums(random_, columns, 0.0F, 0.0F);
  double squares = 0.0;
  in_ranges(rows, [&](int64_t begin, int64_t end) {
    adafactor_add_squares(gradient.data(), columns, begin, end, row_sums.data(),
                          column_sums.data());
    const FactoredChange<T> change{gradient.data(), row_factor.data(), column_factor.data(),
                                   columns};
    squares += adafactor_change_squares(change, begin, end);
    adafactor_apply(change, AdafactorWeight<T>{momentum.data(), weight.data(), 0.9, 0.1}, begin,
                    end);
  });
  double by_rows = 0.0;
  double by_columns = 0.0;
  for (int64_t row = 0; row < rows; ++row) {
    by_rows += row_sums.data()[row];
  }
  for (int64_t column = 0; column < columns; ++column) {
    by_columns += column_sums.data()[column];
  }
  ASSERT_NEAR(by_rows, by_columns, 1e-6 * by_rows) << rows << " x " << columns;
  ASSERT_TRUE(std::isfinite(squares));
  ASSERT_TRUE(all_finite(momentum));
  ASSERT_TRUE(all_finite(weight));
}

TEST_P(GuardedRows, NormsTouchNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    normalize_random_rows<float>();
    normalize_random_rows<Bfloat16>();
    bring_random_rows_to_unit_length<float>();
    bring_random_rows_to_unit_length<Bfloat16>();
  }
}

TEST_P(GuardedRows, GatesTouchNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    gate_random_rows<float>();
    gate_random_rows<Bfloat16>();
    gate_random_elements<float>();
    gate_random_elements<Bfloat16>();
  }
}

TEST_P(GuardedRows, SoftmaxTouchesNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    take_a_random_softmax<float>();
    take_a_random_softmax<Bfloat16>();
  }
}

TEST_P(GuardedRows, RoundingTouchesNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    round_random_elements();
  }
}

TEST_P(GuardedRows, UpdatesTouchNothingOutside) {
  for (int64_t i = 0; i < num_shapes() && !HasFatalFailure(); ++i) {
    update_random_elements<float>();
    update_random_elements<double>();
    update_a_random_matrix<float>();
    update_a_random_matrix<double>();
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, GuardedRows, testing::ValuesIn(supported_targets()), target_name);

}  // namespace
}  // namespace brt::kernels
