// SPDX-License-Identifier: Apache-2.0
// The update rules in few passes over memory against their plain form, for every shape and dtype,
// and on one and two threads.
#include "optim/plain_update.h"

#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/linspace.h>

#include "base/error.h"
#include "optim/gradient_clipping.h"
#include "optim/optimizer.h"

namespace brt {
namespace {

/// Shapes below, at and above the sizes at which the work is divided, factored and not.
const std::vector<std::vector<int64_t>>& shapes() {
  static const std::vector<std::vector<int64_t>> shapes = {
      {0},     {0, 5},     {1},        {17},       {3, 5},     {16384},    {16385},
      {40001}, {2, 3, 11}, {128, 128}, {131, 129}, {600, 257}, {130, 600}, {128, 3000}};
  return shapes;
}

/// Uneven values of about `size` that differ from element to element.
at::Tensor uneven(at::IntArrayRef shape, at::ScalarType dtype, double phase, double size) {
  const int64_t numel = c10::multiply_integers(shape);
  const at::Tensor angles = at::linspace(phase, phase + 0.37 * static_cast<double>(numel), numel,
                                         at::TensorOptions().dtype(at::kDouble));
  return (angles.sin() * (1.1 + (angles * 0.013).cos()) * size).view(shape).to(dtype);
}

class EveryUpdate : public testing::TestWithParam<std::tuple<OptimizerType, at::ScalarType>> {
 protected:
  OptimizerConfig config() const {
    OptimizerConfig config;
    config.type = std::get<0>(GetParam());
    return config;
  }
  at::ScalarType dtype() const { return std::get<1>(GetParam()); }
  double tolerance() const { return dtype() == at::kDouble ? 1e-12 : 1e-6; }

  NamedParameter parameter(at::IntArrayRef shape) const {
    at::Tensor value = uneven(shape, dtype(), 0.5, 0.3);
    value.requires_grad_();
    return {"p", value};
  }
  at::Tensor gradient(at::IntArrayRef shape, int step) const {
    return uneven(shape, dtype(), 1.7 * step, 0.01);
  }

  /// Weights and state after three updates.
  std::vector<at::Tensor> three_updates(at::IntArrayRef shape) const {
    const NamedParameter changed = parameter(shape);
    const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), {changed});
    for (int step = 1; step <= 3; ++step) {
      changed.value.mutable_grad() = gradient(shape, step);
      optimizer->step(0.05, 0.7);
    }
    std::vector<at::Tensor> results = {changed.value.detach()};
    for (const auto& [name, tensor] : optimizer->state()) {
      results.push_back(tensor);
    }
    return results;
  }
};

/// The largest difference in proportion to the largest value.
double relative_difference(const at::Tensor& got, const at::Tensor& want) {
  if (want.numel() == 0) {
    return 0.0;
  }
  const at::Tensor want64 = want.detach().to(at::kDouble);
  const double size = want64.abs().max().item<double>();
  return (got.detach().to(at::kDouble) - want64).abs().max().item<double>() / size;
}

TEST_P(EveryUpdate, EqualsThePlainForm) {
  for (const std::vector<int64_t>& shape : shapes()) {
    for (const double scale : {1.0, 0.3}) {
      const NamedParameter changed = parameter(shape);
      PlainUpdate plain(config(), changed.value.detach());
      const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), {changed});
      for (int step = 1; step <= 3; ++step) {
        changed.value.mutable_grad() = gradient(shape, step);
        optimizer->step(0.05, scale);
        plain.step(gradient(shape, step) * scale, 0.05);
      }
      const std::string where = testing::PrintToString(shape) + " x " + std::to_string(scale);
      EXPECT_LE(relative_difference(changed.value, plain.weight()), tolerance()) << where;
      EXPECT_LE(relative_difference(optimizer->state().at("p.momentum"), plain.momentum()),
                tolerance())
          << where;
      EXPECT_TRUE(changed.value.grad().equal(gradient(shape, 3))) << where;
    }
  }
}

TEST_P(EveryUpdate, TwoThreadsGiveTheBitsOfOne) {
  const int threads_before = at::get_num_threads();
  for (const std::vector<int64_t>& shape : shapes()) {
    at::set_num_threads(1);
    const std::vector<at::Tensor> one = three_updates(shape);
    at::set_num_threads(2);
    const std::vector<at::Tensor> two = three_updates(shape);
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(one[i].equal(two[i])) << testing::PrintToString(shape) << ", tensor " << i;
    }
  }
  at::set_num_threads(threads_before);
}

TEST_P(EveryUpdate, RaisesTheVersionOfTheWeights) {
  const NamedParameter changed = parameter({3, 5});
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), {changed});
  const int64_t before = changed.value._version();
  changed.value.mutable_grad() = gradient({3, 5}, 1);
  optimizer->step(0.1);
  EXPECT_GT(changed.value._version(), before);
}

TEST_P(EveryUpdate, WeightsAndGradientsNeedNotBeContiguous) {
  const NamedParameter contiguous = parameter({130, 140});
  at::Tensor transposed = contiguous.value.detach().t().contiguous().t();
  transposed.requires_grad_();
  ASSERT_FALSE(transposed.is_contiguous());
  const std::unique_ptr<Optimizer> first = make_optimizer(config(), {contiguous});
  const std::unique_ptr<Optimizer> second = make_optimizer(config(), {{"p", transposed}});
  for (int step = 1; step <= 2; ++step) {
    contiguous.value.mutable_grad() = gradient({130, 140}, step);
    transposed.mutable_grad() = gradient({130, 140}, step).t().contiguous().t();
    first->step(0.1);
    second->step(0.1);
  }
  EXPECT_TRUE(contiguous.value.equal(transposed));
  EXPECT_FALSE(contiguous.value.equal(parameter({130, 140}).value));
}

INSTANTIATE_TEST_SUITE_P(
    Types,
    EveryUpdate,
    testing::Combine(testing::Values(OptimizerType::kAdafactor, OptimizerType::kAdamw),
                     testing::Values(at::kFloat, at::kDouble)),
    [](const testing::TestParamInfo<std::tuple<OptimizerType, at::ScalarType>>& type) {
      const bool is_adamw = std::get<0>(type.param) == OptimizerType::kAdamw;
      return std::string(is_adamw ? "AdamW" : "Adafactor") + c10::toString(std::get<1>(type.param));
    });

TEST(Update, OtherDtypesAreRefusedByName) {
  OptimizerConfig config;
  config.type = OptimizerType::kAdamw;
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(config, {{"half", at::zeros({2}, at::TensorOptions().dtype(at::kBFloat16))}});
  try {
    optimizer->step(0.1);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "optimizer: half must be float32 or float64, got BFloat16");
  }
}

}  // namespace
}  // namespace brt
