// SPDX-License-Identifier: Apache-2.0
// Adafactor against its formula, written out for single numbers and in float64 for matrices.
#include "optim/adafactor.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/zeros.h>

namespace brt {
namespace {

NamedParameter parameter_of(const std::string& name, const at::Tensor& start) {
  at::Tensor tensor = start.clone();
  tensor.requires_grad_();
  return {name, tensor};
}

/// Smooth, uneven values that differ from row to row and column to column.
at::Tensor uneven(at::IntArrayRef sizes, double phase) {
  const int64_t numel = c10::multiply_integers(sizes);
  return at::linspace(phase, phase + 37.0, numel).sin_().view(sizes);
}

double rms64(const at::Tensor& tensor) { return tensor.square().mean().sqrt().item<double>(); }

TEST(Adafactor, OnlyMatricesWithBothSidesAtLeast128AreFactored) {
  EXPECT_TRUE(Adafactor::is_factored(at::zeros({128, 128})));
  EXPECT_FALSE(Adafactor::is_factored(at::zeros({127, 512})));
  EXPECT_FALSE(Adafactor::is_factored(at::zeros({512, 127})));
  EXPECT_FALSE(Adafactor::is_factored(at::zeros({4096})));
  EXPECT_FALSE(Adafactor::is_factored(at::zeros({128, 128, 128})));
}

TEST(Adafactor, FullMomentFollowsTheFormula) {
  const at::Tensor start = at::full({4}, 0.5);
  const NamedParameter parameter = parameter_of("p", start);
  Adafactor optimizer(OptimizerConfig{}, {parameter});
  double p = 0.5;
  double v = 0.0;
  double m = 0.0;
  int t = 0;
  for (const double g : {0.3, -0.1, 0.7, 0.01, 2.0}) {
    parameter.value.mutable_grad() = at::full({4}, g);
    optimizer.step(0.1);
    const double beta = 1.0 - std::pow(++t, -0.8);
    v = beta * v + (1.0 - beta) * (g * g + 1e-30);
    double u = g / std::sqrt(v);
    u /= std::max(1.0, std::abs(u));
    u *= 0.1 * std::max(std::abs(p), 0.001);
    m = 0.9 * m + 0.1 * u;
    p -= m;
    EXPECT_NEAR(parameter.value[2].item<double>(), p, 1e-6) << "update " << t;
  }
}

TEST(Adafactor, FactoredMomentsFollowTheFormula) {
  const at::Tensor start = uneven({130, 140}, 0.3);
  const NamedParameter parameter = parameter_of("p", start);
  Adafactor optimizer(OptimizerConfig{}, {parameter});
  at::Tensor p = start.to(at::kDouble);
  at::Tensor r = at::zeros({130}, at::kDouble);
  at::Tensor c = at::zeros({140}, at::kDouble);
  at::Tensor m = at::zeros({130, 140}, at::kDouble);
  for (int t = 1; t <= 4; ++t) {
    const at::Tensor gradient = uneven({130, 140}, 1.7 * t) * 0.01;
    parameter.value.mutable_grad() = gradient;
    optimizer.step(0.2);
    const at::Tensor g = gradient.to(at::kDouble);
    const double beta = 1.0 - std::pow(t, -0.8);
    r = beta * r + (1.0 - beta) * (g.square() + 1e-30).mean(at::IntArrayRef{1});
    c = beta * c + (1.0 - beta) * (g.square() + 1e-30).mean(at::IntArrayRef{0});
    at::Tensor u = g / (r.unsqueeze(1) * c.unsqueeze(0) / r.mean()).sqrt();
    u = u / std::max(1.0, rms64(u)) * (0.2 * std::max(rms64(p), 0.001));
    m = 0.9 * m + 0.1 * u;
    p = p - m;
  }
  const double error = (parameter.value.to(at::kDouble) - p).abs().max().item<double>();
  EXPECT_LT(error, 1e-6);
  EXPECT_GT((start.to(at::kDouble) - p).abs().max().item<double>(), 1e-2);
}

TEST(Adafactor, ATensorOfZerosMovesByTheSmallestRms) {
  const NamedParameter parameter = parameter_of("p", at::zeros({3}));
  Adafactor optimizer(OptimizerConfig{}, {parameter});
  parameter.value.mutable_grad() = at::full({3}, -5.0);
  optimizer.step(1.0);
  EXPECT_NEAR(parameter.value[0].item<double>(), 0.1 * 0.001, 1e-9);
}

TEST(Adafactor, GradientOfZeroAtTheFirstUpdateGivesNoNan) {
  const NamedParameter vector = parameter_of("vector", at::full({3}, 1.0));
  const NamedParameter matrix = parameter_of("matrix", at::full({128, 128}, 1.0));
  Adafactor optimizer(OptimizerConfig{}, {vector, matrix});
  optimizer.step(1.0);
  EXPECT_TRUE(vector.value.equal(at::full({3}, 1.0)));
  EXPECT_TRUE(matrix.value.equal(at::full({128, 128}, 1.0)));
}

TEST(Adafactor, Beta1OfTheConfigIsItsMomentum) {
  OptimizerConfig config;
  config.beta1 = 0.0;
  const NamedParameter parameter = parameter_of("p", at::full({2}, 1.0));
  Adafactor optimizer(config, {parameter});
  parameter.value.mutable_grad() = at::full({2}, 3.0);
  optimizer.step(0.5);
  EXPECT_NEAR(parameter.value[1].item<double>(), 0.5, 1e-6);
}

}  // namespace
}  // namespace brt
