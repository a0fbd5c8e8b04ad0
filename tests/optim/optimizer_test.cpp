// SPDX-License-Identifier: Apache-2.0
// What holds for every update rule: saved state continues bit-equal, damaged state is refused.
#include "optim/optimizer.h"

#include <limits>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"

namespace brt {
namespace {

std::vector<NamedParameter> make_parameters() {
  std::vector<NamedParameter> parameters = {
      {"small", at::linspace(-1.0, 1.0, 12).view({3, 4})},
      {"large", at::linspace(-1.0, 2.0, 128 * 130).view({128, 130}).clone()},
      {"vector", at::linspace(0.5, 1.5, 7)},
  };
  for (NamedParameter& parameter : parameters) {
    parameter.value.requires_grad_();
  }
  return parameters;
}

void set_gradients(const std::vector<NamedParameter>& parameters, int step) {
  for (const NamedParameter& parameter : parameters) {
    parameter.value.mutable_grad() = (parameter.value.detach() * (1.0 + step)).cos_();
  }
}

std::map<std::string, at::Tensor> deep_copy(const std::map<std::string, at::Tensor>& state) {
  std::map<std::string, at::Tensor> copy;
  for (const auto& [name, tensor] : state) {
    copy.emplace(name, tensor.clone());
  }
  return copy;
}

std::string message_of(Optimizer& optimizer, const std::map<std::string, at::Tensor>& state) {
  try {
    optimizer.load_state(state);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class EveryOptimizer : public testing::TestWithParam<OptimizerType> {
 protected:
  OptimizerConfig config() const {
    OptimizerConfig config;
    config.type = GetParam();
    return config;
  }
};

TEST_P(EveryOptimizer, ContinuesBitEqualFromItsSavedState) {
  const std::vector<NamedParameter> parameters = make_parameters();
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), parameters);
  std::vector<NamedParameter> resumed_parameters = make_parameters();
  const std::unique_ptr<Optimizer> resumed = make_optimizer(config(), resumed_parameters);
  for (int step = 0; step < 6; ++step) {
    if (step == 3) {
      resumed->load_state(deep_copy(optimizer->state()));
      for (size_t i = 0; i < parameters.size(); ++i) {
        resumed_parameters[i].value.detach().copy_(parameters[i].value.detach());
      }
    }
    set_gradients(parameters, step);
    optimizer->step(0.01);
    if (step >= 3) {
      set_gradients(resumed_parameters, step);
      resumed->step(0.01);
    }
  }
  EXPECT_EQ(resumed->updates(), 6);
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_TRUE(parameters[i].value.equal(resumed_parameters[i].value)) << parameters[i].name;
    EXPECT_FALSE(parameters[i].value.equal(make_parameters()[i].value)) << parameters[i].name;
  }
}

TEST_P(EveryOptimizer, StateHoldsTheNumberOfUpdates) {
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), make_parameters());
  optimizer->step(0.1);
  optimizer->step(0.1);
  EXPECT_EQ(optimizer->state().at("updates").item<int64_t>(), 2);
}

TEST_P(EveryOptimizer, LoadingNamesEverythingThatDoesNotFitAndChangesNothing) {
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), make_parameters());
  std::map<std::string, at::Tensor> state = deep_copy(optimizer->state());
  state.erase("vector.momentum");
  state["small.momentum"] = at::zeros({4, 3});
  state["other.momentum"] = at::zeros({1});
  state["large.momentum"] = at::full({128, 130}, 9.0);
  const std::string message = message_of(*optimizer, state);
  EXPECT_NE(message.find("vector.momentum is missing"), std::string::npos) << message;
  EXPECT_NE(message.find("small.momentum must be Float [3, 4], got Float [4, 3]"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("other.momentum is not part of it"), std::string::npos) << message;
  EXPECT_EQ(optimizer->state().at("large.momentum").abs().max().item<float>(), 0.0f);
}

TEST_P(EveryOptimizer, ANumberOfUpdatesThatIsNoCountIsRefused) {
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(config(), make_parameters());
  for (const int64_t updates : {int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    std::map<std::string, at::Tensor> state = deep_copy(optimizer->state());
    state["updates"] = at::full({}, updates, at::kLong);
    EXPECT_NE(message_of(*optimizer, state).find("updates must be from 0 to"), std::string::npos);
    EXPECT_EQ(optimizer->updates(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Types,
                         EveryOptimizer,
                         testing::Values(OptimizerType::kAdafactor, OptimizerType::kAdamw),
                         [](const testing::TestParamInfo<OptimizerType>& type) {
                           return type.param == OptimizerType::kAdamw ? "AdamW" : "Adafactor";
                         });

}  // namespace
}  // namespace brt
