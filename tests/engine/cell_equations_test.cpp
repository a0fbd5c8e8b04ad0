// SPDX-License-Identifier: Apache-2.0
// Each formula of the recurrent cell against plain loops.
#include "engine/cell_equations.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "engine/panel_cache.h"
#include "engine/plain_model.h"
#include "engine/random_floats.h"
#include "support/tolerance.h"

namespace brt {
namespace {

constexpr double kBfloat16Step = 0x1p-8;  // half a unit in the last place

ModelConfig cell_config() {
  ModelConfig config;
  config.num_heads = 2;
  config.head_size = 70;  // of values more than one panel
  config.num_states = 67;
  return config;
}

TEST(CellEquations, StateIdsAreAddedToTheNorm) {
  constexpr size_t kWidth = 5;
  constexpr size_t kRows = 3;
  const std::vector<float> state = random_floats(kRows * kWidth, 1);
  const std::vector<float> gain = random_floats(kWidth, 2);
  const std::vector<float> ids = random_floats(kRows * kWidth, 3);
  std::vector<float> out(kRows * kWidth);
  std::vector<float> root(kRows);
  add_state_ids(state, gain, ids, out, root.data());
  for (size_t r = 0; r < kRows; ++r) {
    double square = 0.0;
    for (size_t d = 0; d < kWidth; ++d) {
      square += static_cast<double>(state[r * kWidth + d]) * state[r * kWidth + d];
    }
    for (size_t d = 0; d < kWidth; ++d) {
      const double normed =
          state[r * kWidth + d] / std::sqrt(square / kWidth + 1e-6) * static_cast<double>(gain[d]);
      EXPECT_NEAR(out[r * kWidth + d], normed + ids[r * kWidth + d], tolerance::kFloat32);
    }
  }
}

template <class T>
void expect_packed_keys(double limit) {
  const ModelConfig config = cell_config();
  constexpr int64_t kCount = 3;
  constexpr int64_t kStride = 150;
  const std::vector<float> keys = random_floats(kCount * kStride, 4);
  std::vector<float> unit(kCount * 70);
  std::vector<T> panel(kernels::panel_size(70, static_cast<T*>(nullptr)));
  pack_state_keys<T>(config, {keys.data() + 5, kStride, kCount}, unit.data(), panel.data());
  for (int64_t r = 0; r < kCount; ++r) {
    std::vector<float> got(70);
    read_key(panel.data(), 70, r, got.data());
    const float* row = keys.data() + 5 + r * kStride;
    EXPECT_LT(worst_error(got, plain_unit({row, row + 70})), limit);
  }
}

TEST(CellEquations, KeysOfStatesHaveUnitLengthInTheirPanel) {
  expect_packed_keys<float>(tolerance::kFloat32);
  expect_packed_keys<kernels::Bfloat16>(kBfloat16Step);
}

template <class T>
void expect_packed_values(double limit) {
  const ModelConfig config = cell_config();
  constexpr int64_t kStride = 150;
  const std::vector<float> values = random_floats(67 * kStride, 5);
  std::vector<T> panels(2 * kernels::panel_size(67, static_cast<T*>(nullptr)));
  pack_state_values<T>(config, {values.data(), kStride, 64}, 0, panels.data());
  pack_state_values<T>(config, {values.data() + 64 * kStride, kStride, 3}, 64, panels.data());
  for (int64_t s = 0; s < 67; ++s) {
    std::vector<float> got(70);
    read_value(panels.data(), 70, 67, s, got.data());
    const float* row = values.data() + s * kStride;
    EXPECT_LT(worst_error(got, PlainVector{row, row + 70}), limit) << s;
  }
}

TEST(CellEquations, ValuesOfStatesLieInTheirRowsOfThePanels) {
  expect_packed_values<float>(1e-30);
  expect_packed_values<kernels::Bfloat16>(kBfloat16Step);
}

TEST(CellEquations, QueriesOfStatesHaveUnitLengthHeadByHead) {
  const ModelConfig config = cell_config();
  const std::vector<float> projected = random_floats(140, 6);
  std::vector<float> scratch(70);
  std::vector<float> queries(140);
  make_state_queries(config, projected.data(), scratch.data(), queries.data());
  for (const std::ptrdiff_t head : {0, 1}) {
    const auto begin = projected.begin() + head * 70;
    const std::vector<float> got(queries.begin() + head * 70, queries.begin() + head * 70 + 70);
    EXPECT_LT(worst_error(got, plain_unit({begin, begin + 70})), tolerance::kFloat32);
  }
}

/// The log of the softmax's denominator, phantom included.
float log_sum_of(const std::vector<float>& logits) {
  double sum = std::exp(-1000.0);
  for (const float logit : logits) {
    sum += std::exp(static_cast<double>(logit));
  }
  return static_cast<float>(std::log(sum));
}

TEST(CellEquations, AttentionOverPartsOfTheKeysJoinsToThatOverAll) {
  const std::vector<float> logits = random_floats(6, 7);
  const std::vector<float> values = random_floats(6, 8);
  const auto attend = [&](size_t begin, size_t end) {
    double sum = 0.0;
    double out = 0.0;
    for (size_t j = begin; j < end; ++j) {
      sum += std::exp(static_cast<double>(logits[j]));
      out += std::exp(static_cast<double>(logits[j])) * values[j];
    }
    return static_cast<float>(out / sum);
  };
  std::vector<float> attended = {attend(0, 2)};
  float log_sum = log_sum_of({logits.begin(), logits.begin() + 2});
  const std::vector<float> part = {attend(2, 6)};
  join_attention(attended, log_sum, part, log_sum_of({logits.begin() + 2, logits.end()}));
  EXPECT_NEAR(attended[0], attend(0, 6), tolerance::kFloat32);
  EXPECT_NEAR(log_sum, log_sum_of(logits), tolerance::kFloat32);
}

TEST(CellEquations, APartWithoutKeysWeighsNothing) {
  std::vector<float> attended = {0.0F, 0.0F};
  float log_sum = -1000.0F;  // a hidden cache
  join_attention(attended, log_sum, std::vector<float>{0.25F, -3.0F}, 0.5F);
  EXPECT_FLOAT_EQ(attended[0], 0.25F);
  EXPECT_FLOAT_EQ(attended[1], -3.0F);
  EXPECT_FLOAT_EQ(log_sum, 0.5F);
}

TEST(CellEquations, TanhOfTheCandidate) {
  std::vector<float> candidate = {-2.0F, 0.0F, 0.3F};
  apply_tanh(candidate);
  EXPECT_FLOAT_EQ(candidate[0], std::tanh(-2.0F));
  EXPECT_EQ(candidate[1], 0.0F);
  EXPECT_FLOAT_EQ(candidate[2], std::tanh(0.3F));
}

constexpr size_t kGateWidth = 37;  // vectors and a rest

TEST(CellEquations, FixedGate) {
  GateWeights gate;
  gate.keep_D = random_floats(kGateWidth, 9);
  std::ranges::transform(gate.keep_D, gate.keep_D.begin(),
                         [](float x) { return static_cast<float>(sigmoid(x)); });
  const std::vector<float> candidate = random_floats(kGateWidth, 10);
  const std::vector<float> before = random_floats(kGateWidth, 11);
  std::vector<float> state = before;
  std::vector<float> scratch(kGateWidth);
  apply_fixed_gate(gate, state, candidate.data(), scratch.data());
  for (size_t d = 0; d < kGateWidth; ++d) {
    const double g = gate.keep_D[d];
    EXPECT_NEAR(state[d], before[d] * g + candidate[d] * (1.0 - g), tolerance::kFloat32);
  }
}

TEST(CellEquations, LstmGate) {
  GateWeights gate;
  gate.input_bias_D = random_floats(kGateWidth, 12);
  gate.forget_bias_D = random_floats(kGateWidth, 13);
  const std::vector<float> candidate = random_floats(kGateWidth, 14);
  const std::vector<float> input = random_floats(kGateWidth, 15);
  const std::vector<float> forget = random_floats(kGateWidth, 16);
  const std::vector<float> before = random_floats(kGateWidth, 17);
  std::vector<float> state = before;
  std::vector<float> input_sums = input;
  std::vector<float> forget_sums = forget;
  std::vector<float> scratch(kGateWidth);
  apply_lstm_gate(gate, state, {candidate.data(), input_sums.data(), forget_sums.data()},
                  scratch.data());
  for (size_t d = 0; d < kGateWidth; ++d) {
    const double i = sigmoid(input[d] + gate.input_bias_D[d] - 1.0);
    const double f = sigmoid(forget[d] + gate.forget_bias_D[d] + 1.0);
    EXPECT_NEAR(state[d], before[d] * f + candidate[d] * i, tolerance::kFloat32);
  }
}

}  // namespace
}  // namespace brt
