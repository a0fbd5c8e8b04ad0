// SPDX-License-Identifier: Apache-2.0
// AdamW against its formula written out for single numbers, and its saved state.
#include "optim/adamw.h"

#include <cmath>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>

namespace brt {
namespace {

NamedParameter parameter_of(const std::string& name, at::IntArrayRef sizes, double value) {
  at::Tensor tensor = at::full(sizes, value);
  tensor.requires_grad_();
  return {name, tensor};
}

OptimizerConfig adamw_config() {
  OptimizerConfig config;
  config.type = OptimizerType::kAdamw;
  return config;
}

/// The same rule for one number in float64.
struct ScalarAdamW {
  double p;
  double decay;
  double m = 0.0;
  double v = 0.0;
  int t = 0;

  void step(double g, double lr) {
    ++t;
    m = 0.9 * m + 0.1 * g;
    v = 0.95 * v + 0.05 * g * g;
    p -= lr * decay * p;
    p -= lr * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.95, t))) + 1e-8);
  }
};

TEST(AdamW, FollowsTheFormulaAndDecaysMatricesOnly) {
  const std::vector<NamedParameter> parameters = {parameter_of("matrix", {2, 3}, 0.5),
                                                  parameter_of("vector", {4}, 0.5)};
  AdamW optimizer(adamw_config(), parameters);
  ScalarAdamW matrix{.p = 0.5, .decay = 0.1};
  ScalarAdamW vector{.p = 0.5, .decay = 0.0};
  for (const double g : {0.3, -0.1, 0.7, 0.0, 2.0}) {
    parameters[0].value.mutable_grad() = at::full({2, 3}, g);
    parameters[1].value.mutable_grad() = at::full({4}, g);
    optimizer.step(0.01);
    matrix.step(g, 0.01);
    vector.step(g, 0.01);
  }
  EXPECT_EQ(optimizer.updates(), 5);
  EXPECT_NEAR(parameters[0].value[1][2].item<double>(), matrix.p, 1e-6);
  EXPECT_NEAR(parameters[1].value[3].item<double>(), vector.p, 1e-6);
}

TEST(AdamW, MissingGradientCountsAsZero) {
  const NamedParameter with = parameter_of("p", {3}, 1.0);
  const NamedParameter without = parameter_of("p", {3}, 1.0);
  AdamW first(adamw_config(), {with});
  AdamW second(adamw_config(), {without});
  for (const NamedParameter& parameter : {with, without}) {
    parameter.value.mutable_grad() = at::full({3}, 0.4);
  }
  first.step(0.1);
  second.step(0.1);
  with.value.mutable_grad() = at::full({3}, 0.0);
  without.value.mutable_grad() = at::Tensor();
  first.step(0.1);
  second.step(0.1);
  EXPECT_TRUE(with.value.equal(without.value));
}

TEST(AdamW, RateZeroChangesTheStateButNotTheWeights) {
  const NamedParameter parameter = parameter_of("p", {2, 2}, 0.7);
  AdamW optimizer(adamw_config(), {parameter});
  parameter.value.mutable_grad() = at::full({2, 2}, 0.4);
  optimizer.step(0.0);
  EXPECT_TRUE(parameter.value.equal(at::full({2, 2}, 0.7)));
  EXPECT_FLOAT_EQ(optimizer.state().at("p.momentum")[0][0].item<float>(), 0.04f);
}

}  // namespace
}  // namespace brt
