// SPDX-License-Identifier: Apache-2.0
// One step of training: groups of lanes, skipped steps, and state that can be saved.
#include "train/trainer.h"

#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "torch_checkpoint/model_folder.h"
#include "train/training_fixtures.h"

namespace brt {
namespace {

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() : split_(PreparedData(folder_.data()).open_split("train")) {}

  std::unique_ptr<Trainer> make_trainer(const RunConfig& config) const {
    std::unique_ptr<Trainer> trainer = std::make_unique<Trainer>(config, split_);
    trainer->initialize_model();
    return trainer;
  }

  /// One step with a weight that is not a number; the weight is put back.
  static StepResult step_with_nan(Trainer& trainer) {
    const at::Tensor weight = trainer.model()->named_parameters()["layers.0.ffn.up.weight"];
    const at::Tensor good = weight.detach().clone();
    weight.detach().fill_(std::numeric_limits<float>::quiet_NaN());
    const StepResult result = trainer.step();
    weight.detach().copy_(good);
    return result;
  }

  static std::map<std::string, at::Tensor> everything(Trainer& trainer) {
    std::map<std::string, at::Tensor> tensors;
    for (const auto& [name, tensor] : trainer.carry().tensors()) {
      tensors["carry " + name] = tensor.clone();
    }
    for (const auto& [name, tensor] : trainer.optimizer().state()) {
      tensors["optimizer " + name] = tensor.clone();
    }
    for (const auto& parameter : trainer.model()->named_parameters()) {
      tensors["model " + parameter.key()] = parameter.value().detach().clone();
    }
    return tensors;
  }

  static void expect_equal(const std::map<std::string, at::Tensor>& left,
                           const std::map<std::string, at::Tensor>& right) {
    ASSERT_EQ(left.size(), right.size());
    for (const auto& [name, tensor] : left) {
      EXPECT_TRUE(tensor.equal(right.at(name))) << name;
    }
  }

  TrainingFolder folder_;
  PreparedSplit split_;
};

TEST_F(TrainerTest, LossFallsOverThirtySteps) {
  RunConfig config = folder_.recipe();
  config.optimizer.schedule = ScheduleType::kConstant;
  config.optimizer.rate = 0.05;
  const std::unique_ptr<Trainer> trainer = make_trainer(config);
  const double first = trainer->step().loss;
  double last = first;
  for (int i = 0; i < 30; ++i) {
    last = trainer->step().loss;
  }
  EXPECT_LT(last, first - 1.0);
}

TEST_F(TrainerTest, CountsTargetsAndUpdates) {
  const std::unique_ptr<Trainer> trainer = make_trainer(folder_.recipe());
  const int64_t first = trainer->step().targets;
  const int64_t second = trainer->step().targets;
  EXPECT_GT(first, 0);
  EXPECT_EQ(trainer->counters().tokens, first + second);
  EXPECT_EQ(trainer->counters().step, 2);
  EXPECT_EQ(trainer->optimizer().updates(), 2);
}

TEST_F(TrainerTest, AccumulationEqualsTheBigBatch) {
  RunConfig config = folder_.recipe();
  config.train.dropout = 0.0;
  const std::unique_ptr<Trainer> whole = make_trainer(config);
  config.train.accumulation = 4;
  const std::unique_ptr<Trainer> grouped = make_trainer(config);
  for (int i = 0; i < 6; ++i) {
    const StepResult expected = whole->step();
    const StepResult result = grouped->step();
    EXPECT_EQ(result.targets, expected.targets);
    EXPECT_NEAR(result.loss, expected.loss, 1e-6 * expected.loss) << "step " << i;
    EXPECT_NEAR(result.gradient_norm, expected.gradient_norm, 1e-5 * expected.gradient_norm);
  }
}

TEST_F(TrainerTest, ClippingBoundsTheUpdateButTheNormIsReportedAsItWas) {
  RunConfig config = folder_.recipe();
  const std::unique_ptr<Trainer> free = make_trainer(config);
  config.optimizer.clip_norm = 1e-3;
  const std::unique_ptr<Trainer> clipped = make_trainer(config);
  const StepResult expected = free->step();
  const StepResult result = clipped->step();
  EXPECT_EQ(result.gradient_norm, expected.gradient_norm);
  EXPECT_GT(result.gradient_norm, 1e-3);
  const at::Tensor moment = clipped->optimizer().state().at("final_norm.weight.second_moment");
  const at::Tensor free_moment = free->optimizer().state().at("final_norm.weight.second_moment");
  EXPECT_LT(moment.max().item<double>(), 1e-6);
  EXPECT_GT(free_moment.max().item<double>(), moment.max().item<double>());
}

TEST_F(TrainerTest, SkippedStepLeavesEverythingBitEqual) {
  const std::unique_ptr<Trainer> trainer = make_trainer(folder_.recipe());
  trainer->step();
  trainer->step();
  trainer->step();
  const std::map<std::string, at::Tensor> before = everything(*trainer);
  const int64_t tokens = trainer->counters().tokens;
  const StepResult result = step_with_nan(*trainer);
  EXPECT_FALSE(result.accepted);
  expect_equal(before, everything(*trainer));
  EXPECT_EQ(trainer->counters().step, 4);
  EXPECT_EQ(trainer->counters().skipped_steps, 1);
  EXPECT_EQ(trainer->counters().tokens, tokens);
  EXPECT_EQ(trainer->optimizer().updates(), 3);
  EXPECT_TRUE(trainer->step().accepted);
}

TEST_F(TrainerTest, DocumentThatBeganInASkippedStepIsResetAtTheNextOne) {
  const std::unique_ptr<Trainer> trainer = make_trainer(folder_.recipe());
  EXPECT_FALSE(step_with_nan(*trainer).accepted);  // every lane's first document begins here
  EXPECT_EQ(trainer->counters().pending_starts, std::vector<uint8_t>(4, 1));
  EXPECT_TRUE(trainer->step().accepted);
  EXPECT_EQ(trainer->counters().pending_starts, std::vector<uint8_t>(4, 0));
  // Positions count from the reset: one segment has been read by each lane since.
  const at::Tensor position_B = trainer->carry().position_B;
  EXPECT_TRUE(position_B.eq(12).all().item<bool>()) << position_B;
  // And the state is not the zero state of a carry that never was started.
  EXPECT_GT(trainer->carry().layers[1].state_BSD.abs().min().item<float>(), 0.0f);
}

TEST_F(TrainerTest, ALaneWhoseStateIsNotFiniteIsResetAndTheOthersStayBitEqual) {
  RunConfig config = folder_.recipe();
  config.data.shuffle = false;  // lane 1 is in the middle of its document after one step
  const std::unique_ptr<Trainer> whole = make_trainer(config);
  const std::unique_ptr<Trainer> broken = make_trainer(config);
  whole->step();
  broken->step();
  at::Tensor state = broken->carry().layers[1].state_BSD.select(0, 1);
  state.select(0, 0).fill_(std::numeric_limits<float>::infinity());
  EXPECT_TRUE(whole->step().reset_lanes.empty());
  const StepResult result = broken->step();
  EXPECT_TRUE(result.accepted);
  EXPECT_EQ(result.reset_lanes, std::vector<int64_t>{1});
  const std::map<std::string, at::Tensor> expected = whole->carry().tensors();
  for (const auto& [name, tensor] : broken->carry().tensors()) {
    for (const int64_t lane : {0, 2, 3}) {
      EXPECT_TRUE(tensor.select(0, lane).equal(expected.at(name).select(0, lane))) << name;
    }
  }
  EXPECT_EQ(broken->carry().position_B.select(0, 1).item<int64_t>(), config.model.segment);
}

TEST_F(TrainerTest, ALaneWhoseCacheIsNotFiniteCostsOneStep) {
  RunConfig config = folder_.recipe();
  config.data.shuffle = false;
  const std::unique_ptr<Trainer> trainer = make_trainer(config);
  trainer->step();
  trainer->carry().layers[0].values_BMHK.select(0, 1).fill_(
      std::numeric_limits<float>::quiet_NaN());
  const StepResult result = trainer->step();
  EXPECT_FALSE(result.accepted);
  EXPECT_EQ(result.reset_lanes, std::vector<int64_t>{1});
  EXPECT_TRUE(trainer->step().accepted);
}

TEST_F(TrainerTest, WhatIsNotFiniteIsNamedBeforeItIsSaved) {
  const std::unique_ptr<Trainer> trainer = make_trainer(folder_.recipe());
  trainer->step();
  trainer->check_finite();
  EXPECT_TRUE(trainer->reset_broken_lanes().empty());
  trainer->optimizer()
      .state()
      .at("final_norm.weight.second_moment")
      .fill_(std::numeric_limits<float>::infinity());
  EXPECT_TRUE(says(thrown_message<DivergenceError>([&] { trainer->check_finite(); }),
                   "final_norm.weight.second_moment holds numbers that are not finite"));
  trainer->model()->named_parameters()["layers.0.ffn.up.weight"].detach()[0][0] =
      std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(says(thrown_message<DivergenceError>([&] { trainer->check_finite(); }),
                   "layers.0.ffn.up.weight holds numbers that are not finite, at step 1"));
}

TEST_F(TrainerTest, GivesUpAfterAHundredSkippedStepsInARow) {
  const std::unique_ptr<Trainer> trainer = make_trainer(folder_.recipe());
  trainer->model()->named_parameters()["final_norm.weight"].detach().fill_(
      std::numeric_limits<float>::infinity());
  const std::string message = thrown_message<Error>([&] {
    for (int i = 0; i < 200; ++i) {
      trainer->step();
    }
  });
  EXPECT_TRUE(says(message, "not finite for 100 steps in a row, up to step 100")) << message;
  EXPECT_TRUE(says(message, "hint: lower optimizer.rate"));
}

class TrainerResume : public TrainerTest, public testing::WithParamInterface<DType> {};

TEST_P(TrainerResume, ContinuesBitEqualFromSavedState) {
  RunConfig config = folder_.recipe();
  config.train.dtype = GetParam();
  const std::unique_ptr<Trainer> trainer = make_trainer(config);
  trainer->step();
  trainer->step();
  step_with_nan(*trainer);  // pending starts are part of the state
  const std::filesystem::path saved = folder_.path("saved");
  std::filesystem::create_directory(saved);
  save_model(saved, trainer->model(), "");
  trainer->save_tensors(saved);
  const TrainerState state = trainer->state();

  Trainer resumed(config, split_);
  resumed.restore(saved, state);
  EXPECT_EQ(resumed.state(), state);
  for (int i = 0; i < 5; ++i) {
    const StepResult expected = trainer->step();
    const StepResult result = resumed.step();
    EXPECT_EQ(result.loss, expected.loss);
    EXPECT_EQ(result.gradient_norm, expected.gradient_norm);
    EXPECT_EQ(result.learning_rate, expected.learning_rate);
  }
  expect_equal(everything(*trainer), everything(resumed));
}

INSTANTIATE_TEST_SUITE_P(DTypes,
                         TrainerResume,
                         testing::Values(DType::kFp32, DType::kBf16),
                         [](const testing::TestParamInfo<DType>& type) {
                           return type.param == DType::kFp32 ? "fp32" : "bf16";
                         });

TEST_F(TrainerTest, CarryOfAnotherNumberOfLanesIsRefused) {
  const std::unique_ptr<Trainer> trainer = make_trainer(folder_.recipe());
  const std::filesystem::path saved = folder_.path("saved");
  std::filesystem::create_directory(saved);
  save_model(saved, trainer->model(), "");
  trainer->save_tensors(saved);
  RunConfig config = folder_.recipe();
  config.train.lanes = 2;
  Trainer other(config, split_);
  EXPECT_TRUE(says(thrown_message<CheckpointError>([&] { other.restore(saved, trainer->state()); }),
                   "carry must be of 2 lanes, got 4"));
}

}  // namespace
}  // namespace brt
