// SPDX-License-Identifier: Apache-2.0
// Muon: singular values of its updates, the rule step by step, and which tensors follow it.
#include "optim/muon.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"

namespace brt {
namespace {

/// Values that repeat from run to run, of no special structure.
at::Tensor wavy(int64_t rows, int64_t columns, double phase) {
  at::Tensor matrix = at::zeros({rows, columns});
  float* values = matrix.mutable_data_ptr<float>();
  for (int64_t i = 0; i < rows * columns; ++i) {
    const double x = static_cast<double>(i);
    values[i] = static_cast<float>(std::sin(x * x * 0.37 + phase) + 0.1 * std::cos(x));
  }
  return matrix;
}

NamedParameter parameter_of(const std::string& name, const at::Tensor& value) {
  at::Tensor tensor = value.clone();
  tensor.requires_grad_();
  return {name, tensor};
}

OptimizerConfig muon_config() {
  OptimizerConfig config;
  config.type = OptimizerType::kMuon;
  return config;
}

TEST(Muon, OrthogonalizedHasSingularValuesNearOneWhateverTheShape) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<int64_t, int64_t>>{{48, 48}, {32, 128}, {128, 32}, {1, 64}, {5, 7}}) {
    const at::Tensor result = orthogonalized(wavy(rows, columns, 0.3) * 1e-3);
    ASSERT_EQ(result.sizes(), at::IntArrayRef({rows, columns}));
    const at::Tensor values = at::linalg_svdvals(result);
    EXPECT_GT(values.min().item<double>(), 0.5) << rows << " x " << columns;
    EXPECT_LT(values.max().item<double>(), 1.35) << rows << " x " << columns;
  }
}

TEST(Muon, OrthogonalizedKeepsTheSingularVectors) {
  // For M = U S V^T it is U V^T but for the singular values, so M^T X stays symmetric.
  const at::Tensor matrix = wavy(24, 24, 1.0).to(at::kDouble);
  const at::Tensor product = matrix.t().matmul(orthogonalized(matrix));
  EXPECT_LT((product - product.t()).abs().max().item<double>(), 1e-8);
}

TEST(Muon, OrthogonalizedOfZerosIsZeros) {
  EXPECT_EQ(orthogonalized(at::zeros({8, 16})).abs().max().item<float>(), 0.0f);
}

TEST(Muon, WeightMatricesFollowItButNotTheEmbeddingVectorsAndTables) {
  const at::Tensor matrix = at::ones({4, 4});
  EXPECT_TRUE(Muon::is_orthogonalized({"layers.0.ffn.up.weight", matrix}));
  EXPECT_FALSE(Muon::is_orthogonalized({"embedding.weight", matrix}));
  EXPECT_FALSE(Muon::is_orthogonalized({"layers.1.cell.state_ids", matrix}));
  EXPECT_FALSE(Muon::is_orthogonalized({"layers.0.attention.position_bias", matrix}));
  EXPECT_FALSE(Muon::is_orthogonalized({"final_norm.weight", at::ones({4})}));
}

TEST(Muon, FollowsTheFormula) {
  const at::Tensor start = wavy(6, 10, 0.0).to(at::kDouble);
  const NamedParameter parameter = parameter_of("a.weight", start);
  Muon optimizer(muon_config(), {parameter});
  at::Tensor expected = start.clone();
  at::Tensor momentum = at::zeros_like(start);
  for (int t = 0; t < 3; ++t) {
    const at::Tensor gradient = wavy(6, 10, 2.0 + t).to(at::kDouble);
    parameter.value.mutable_grad() = gradient;
    optimizer.step(0.01, /*gradient_scale=*/0.5);
    momentum = 0.95 * momentum + 0.5 * gradient;
    const at::Tensor direction = orthogonalized(0.5 * gradient + 0.95 * momentum);
    expected = expected * (1.0 - 0.01 * 0.1) - 0.01 * 0.2 * std::sqrt(10.0) * direction;
  }
  EXPECT_LT((parameter.value.detach() - expected).abs().max().item<double>(), 1e-12);
}

TEST(Muon, OtherTensorsFollowAdamW) {
  const NamedParameter vector = parameter_of("norm.weight", at::ones({7}));
  const NamedParameter same = parameter_of("norm.weight", at::ones({7}));
  Muon muon(muon_config(), {vector});
  AdamW adamw(muon_config(), {same});
  for (int t = 0; t < 3; ++t) {
    vector.value.mutable_grad() = at::full({7}, 0.3 + t);
    same.value.mutable_grad() = at::full({7}, 0.3 + t);
    muon.step(0.01);
    adamw.step(0.01);
  }
  EXPECT_TRUE(vector.value.equal(same.value));
}

TEST(Muon, UpdatesDoNotDependOnTheNumberOfThreads) {
  std::vector<at::Tensor> results;
  const int threads = at::get_num_threads();
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    const NamedParameter parameter = parameter_of("a.weight", wavy(160, 96, 0.0));
    Muon optimizer(muon_config(), {parameter});
    for (int t = 0; t < 2; ++t) {
      parameter.value.mutable_grad() = wavy(160, 96, 1.0 + t);
      optimizer.step(0.01);
    }
    results.push_back(parameter.value.detach().clone());
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(results[0].equal(results[1]));
}

TEST(Muon, SavedStateContinuesBitEqualAndMisfitsAreNamed) {
  const std::vector<NamedParameter> parameters = {
      parameter_of("a.weight", wavy(12, 8, 0.0)),
      parameter_of("embedding.weight", wavy(9, 8, 1.0))};
  Muon optimizer(muon_config(), parameters);
  const auto step = [&](Muon& which, const std::vector<NamedParameter>& of, int t) {
    of[0].value.mutable_grad() = wavy(12, 8, 2.0 + t);
    of[1].value.mutable_grad() = wavy(9, 8, 3.0 + t);
    which.step(0.01);
  };
  step(optimizer, parameters, 0);
  std::vector<NamedParameter> resumed_parameters;
  for (const NamedParameter& parameter : parameters) {
    resumed_parameters.push_back(parameter_of(parameter.name, parameter.value.detach()));
  }
  std::map<std::string, at::Tensor> saved;
  for (const auto& [name, value] : optimizer.state()) {
    saved.emplace(name, value.clone());
  }
  Muon resumed(muon_config(), resumed_parameters);
  resumed.load_state(saved);
  step(optimizer, parameters, 1);
  step(resumed, resumed_parameters, 1);
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_TRUE(parameters[i].value.equal(resumed_parameters[i].value)) << parameters[i].name;
  }
  saved.erase("a.weight.orthogonal_momentum");
  try {
    resumed.load_state(saved);
    FAIL() << "a state without a momentum was taken";
  } catch (const CheckpointError& error) {
    EXPECT_NE(std::string(error.what()).find("a.weight.orthogonal_momentum is missing"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace brt
