// SPDX-License-Identifier: Apache-2.0
// The model on a CUDA device against the CPU, where there is such a device and LibTorch serves it.
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <ATen/Context.h>

#include "model/language_model.h"
#include "model/model_fixtures.h"
#include "support/tolerance.h"

namespace brt {
namespace {

/// By name: losses, the carry's tensors, and "gradient of" each parameter.
using Results = std::map<std::string, at::Tensor>;

/// A document's first blocks, then blocks and a part of one with their gradients, in which one lane
/// starts anew.
Results results_on(at::Device device, const ModelConfig& config, const ForwardOptions& options) {
  const int64_t window = config.window;
  const at::ScalarType wide = options.dtype == at::kDouble ? at::kDouble : at::kFloat;
  LanguageModel model = make_model(config, /*seed=*/1, wide);
  model->to(device);
  const auto tokens = [&](int64_t count, uint64_t seed) {
    return random_tokens({2, count}, config.vocab_size, seed).to(device);
  };
  const Carry empty = make_carry(config, /*lanes=*/2, options.dtype, device);
  const SegmentOutput first =
      model->forward(tokens(2 * window, 2), all_start(2).to(device), empty, options);
  const int64_t length = 2 * window + (window > 1 ? 1 : 0);
  const SegmentOutput second = model->forward(
      tokens(length, 3), at::tensor({1, 0}).to(at::kByte).to(device), detach(first.carry), options);
  const at::Tensor weights = random_tensor({2, length}, 5).to(wide).to(device);
  const at::Tensor loss =
      model->weighted_loss(second.hidden_BND, tokens(length, 4), weights, options);
  loss.backward();

  Results results = {
      {"loss", loss.detach()},
      {"losses", model->token_losses(second.hidden_BND, tokens(length, 4), options).detach()}};
  for (const auto& [name, tensor] : second.carry.tensors()) {
    results["carry " + name] = tensor.detach();
  }
  for (const auto& parameter : model->named_parameters()) {
    results["gradient of " + parameter.key()] = parameter.value().grad();
  }
  return results;
}

void expect_cuda_as_cpu(const NamedConfig& named,
                        const ForwardOptions& options,
                        double tolerance,
                        bool with_gradients = true) {
  const Results want = results_on(at::kCPU, named.config, options);
  const Results got = results_on(at::kCUDA, named.config, options);
  for (const auto& [name, tensor] : want) {
    if (!with_gradients && name.starts_with("gradient")) {
      continue;
    }
    EXPECT_TRUE(got.at(name).is_cuda()) << named.name << ": " << name;
    EXPECT_TRUE(near(got.at(name).to(at::kCPU), tensor, tolerance)) << named.name << ": " << name;
  }
}

class CudaDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) {
      GTEST_SKIP() << "needs a CUDA device and a LibTorch that serves it";
    }
  }
};

TEST_F(CudaDevice, GivesTheCpusNumbersForEveryPresetAndOptionInFloat64) {
  for (const NamedConfig& named : all_configs()) {
    expect_cuda_as_cpu(named, options_of(at::kDouble), 1e-9);
  }
}

TEST_F(CudaDevice, GivesTheFusedFormsNumbersInFloat32) {
  for (const NamedConfig& named : all_configs()) {
    expect_cuda_as_cpu(named, options_of(at::kFloat), 10 * tolerance::kFloat32);
  }
}

TEST_F(CudaDevice, GivesTheFusedFormsLossesAndCarryInBFloat16) {
  for (const NamedConfig& named : all_configs()) {
    // Not the gradients: where rounding moves a hidden unit across relu's edge, they jump.
    expect_cuda_as_cpu(named, options_of(at::kBFloat16), tolerance::kBFloat16Model,
                       /*with_gradients=*/false);
  }
}

TEST_F(CudaDevice, GivesTheCpusNumbersWithDropoutAndRecomputation) {
  for (const NamedConfig& named : preset_configs()) {
    ForwardOptions options = options_of(at::kDouble);
    options.dropout = 0.3;
    options.dropout_seed = 7;
    options.recompute = true;
    expect_cuda_as_cpu(named, options, 1e-9);
  }
}

}  // namespace
}  // namespace brt
