// SPDX-License-Identifier: Apache-2.0
// Twenty steps of both optimizers against the reference's own (model.md, "Golden cases").
#include <cmath>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <ATen/core/grad_mode.h>

#include "base/files.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"
#include "model/language_model.h"
#include "optim/optimizer.h"
#include "optim/sum_of_squares.h"

namespace brt {
namespace {

constexpr double kLossLimit = 1e-5;
constexpr double kChangeLimit = 2e-4;  // of the change's norm

class GoldenOptimizer : public testing::TestWithParam<OptimizerType> {
 protected:
  std::filesystem::path folder() const {
    const std::string name =
        GetParam() == OptimizerType::kAdamw ? "train_adamw" : "train_adafactor";
    return std::filesystem::path(BRT_SOURCE_DIR).parent_path() / "shared" / "golden" / name;
  }
};

TEST_P(GoldenOptimizer, TwentyStepsEqualTheReference) {
  if (!std::filesystem::exists(folder() / "steps.safetensors")) {
    GTEST_SKIP() << "no golden case in " << folder();
  }
  LanguageModel model = load_model(folder());
  const TensorMap start = load_safetensors(folder() / "model.safetensors").tensors;
  const TensorMap steps = load_safetensors(folder() / "steps.safetensors").tensors;
  std::vector<NamedParameter> parameters;
  for (const auto& parameter : model->named_parameters()) {
    parameters.push_back({parameter.key(), parameter.value()});
  }
  OptimizerConfig config;
  config.type = GetParam();
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(config, parameters);
  const double rate = steps.at("learning_rate").item<double>();
  Carry carry = make_carry(model->config(), steps.at("tokens").size(1));
  for (int64_t step = 0; step < steps.at("tokens").size(0); ++step) {
    const at::Tensor mask_BN = steps.at("loss_mask")[step];
    const SegmentOutput output =
        model->forward(steps.at("tokens")[step], steps.at("starts")[step], carry, {});
    const at::Tensor losses_BN = model->token_losses(
        output.hidden_BND, steps.at("targets")[step].to(at::kLong), ForwardOptions());
    const at::Tensor loss = (losses_BN * mask_BN).sum() / mask_BN.sum();
    EXPECT_NEAR(loss.item<double>(), steps.at("losses")[step].item<double>(), kLossLimit)
        << "step " << step;
    model->zero_grad();
    loss.backward();
    optimizer->step(rate);
    carry = clone(detach(output.carry));
  }
  for (const NamedParameter& parameter : parameters) {
    const at::Tensor& before = start.at(parameter.name);
    const at::Tensor& expected = steps.at("final." + parameter.name);
    const double error = std::sqrt(sum_of_squares(parameter.value.detach() - expected));
    const double change = std::sqrt(sum_of_squares(expected - before));
    EXPECT_LE(error, kChangeLimit * change) << parameter.name << ": the change is " << change;
  }
}

INSTANTIATE_TEST_SUITE_P(Types,
                         GoldenOptimizer,
                         testing::Values(OptimizerType::kAdafactor, OptimizerType::kAdamw),
                         [](const testing::TestParamInfo<OptimizerType>& type) {
                           return type.param == OptimizerType::kAdamw ? "AdamW" : "Adafactor";
                         });

}  // namespace
}  // namespace brt
