// SPDX-License-Identifier: Apache-2.0
// Training in bfloat16 with fused kernels: neither the number of threads nor a stop changes a bit.
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include "torch_checkpoint/model_folder.h"
#include "train/trainer.h"
#include "train/training_fixtures.h"

namespace brt {
namespace {

constexpr int kSteps = 4;

struct TrainedModel {
  const char* name;
  GateType gate;
  CellType cell;
  bool feedback;
  OptimizerType optimizer;
};

void PrintTo(const TrainedModel& model, std::ostream* out) { *out << model.name; }

/// Forces LibTorch's number of threads for as long as it lives.
class Threads {
 public:
  explicit Threads(int threads) { at::set_num_threads(threads); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = at::get_num_threads();
};

class TrainerThreads : public testing::TestWithParam<TrainedModel> {
 protected:
  TrainerThreads() {
    // Long enough for whole segments within a document, and for ends within one.
    folder_.prepare("long", {900, 2500, 170, 640, 1300, 330, 161, 2000, 75, 1100, 500, 1601}, 50);
    split_ = std::make_unique<PreparedSplit>(PreparedData(folder_.data()).open_split("long"));
  }

  /// Five windows a segment, and more rows than one chunk of any kernel has.
  RunConfig config() const {
    const TrainedModel& model = GetParam();
    RunConfig config = folder_.recipe();
    config.model.width = 128;
    config.model.num_heads = 4;
    config.model.head_size = 24;
    config.model.ffn_width = 200;
    config.model.window = 32;
    config.model.segment = 160;
    config.model.num_states = 24;
    config.model.gate = model.gate;
    config.model.cell = model.cell;
    config.model.feedback = model.feedback;
    config.optimizer.type = model.optimizer;
    config.optimizer.schedule = ScheduleType::kConstant;
    config.optimizer.rate = 0.01;
    config.train.dtype = DType::kBf16;
    config.train.lanes = 4;
    config.train.accumulation = 1;
    return config;
  }

  /// Everything that a run leaves, as bytes by name, after the steps that are missing to kSteps.
  static std::map<std::string, std::string> finish(Trainer& trainer) {
    std::map<std::string, std::string> left;
    while (trainer.counters().step < kSteps) {
      const StepResult result = trainer.step();
      EXPECT_TRUE(result.accepted);
      left["loss " + std::to_string(trainer.counters().step)] = bytes_of_number(result.loss);
      left["norm " + std::to_string(trainer.counters().step)] =
          bytes_of_number(result.gradient_norm);
    }
    for (const auto& [name, tensor] : trainer.carry().tensors()) {
      left["carry " + name] = bytes_of_tensor(tensor);
    }
    for (const auto& [name, tensor] : trainer.optimizer().state()) {
      left["optimizer " + name] = bytes_of_tensor(tensor);
    }
    for (const auto& parameter : trainer.model()->named_parameters()) {
      left["model " + parameter.key()] = bytes_of_tensor(parameter.value().detach());
    }
    return left;
  }

  std::unique_ptr<Trainer> begin() const {
    std::unique_ptr<Trainer> trainer = std::make_unique<Trainer>(config(), *split_);
    trainer->initialize_model();
    return trainer;
  }

  /// Trains to the end in this process; half way, all is written to a folder.
  std::map<std::string, std::string> train_and_save(const std::filesystem::path& saved,
                                                    TrainerState& state) const {
    const std::unique_ptr<Trainer> trainer = begin();
    for (int step = 0; step < kSteps / 2; ++step) {
      trainer->step();
    }
    std::filesystem::create_directory(saved);
    save_model(saved, trainer->model(), "");
    trainer->save_tensors(saved);
    state = trainer->state();
    return finish(*trainer);
  }

  static void expect_equal(const std::map<std::string, std::string>& got,
                           const std::map<std::string, std::string>& want) {
    ASSERT_EQ(got.size(), want.size());
    for (const auto& [name, bytes] : want) {
      ASSERT_TRUE(got.contains(name)) << name;
      EXPECT_TRUE(got.at(name) == bytes) << name << " differs";
    }
  }

  TrainingFolder folder_;
  std::unique_ptr<PreparedSplit> split_;

 private:
  static std::string bytes_of_number(double value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static std::string bytes_of_tensor(const at::Tensor& tensor) {
    const at::Tensor contiguous = tensor.contiguous();
    return std::string(static_cast<const char*>(contiguous.const_data_ptr()), contiguous.nbytes());
  }
};

TEST_P(TrainerThreads, OneAndTwoThreadsGiveTheSameBytes) {
  std::map<std::string, std::string> one;
  {
    const Threads threads(1);
    one = finish(*begin());
  }
  const Threads threads(2);
  expect_equal(finish(*begin()), one);
}

TEST_P(TrainerThreads, ResumedWithTwoThreadsGivesTheSameBytes) {
  const Threads threads(2);
  const std::filesystem::path saved = folder_.path("saved");
  TrainerState state;
  std::map<std::string, std::string> whole = train_and_save(saved, state);
  Trainer resumed(config(), *split_);
  resumed.restore(saved, state);
  expect_equal(finish(resumed), whole);
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    TrainerThreads,
    testing::Values(TrainedModel{"fixed_skip_adamw", GateType::kFixed, CellType::kSkip, false,
                                 OptimizerType::kAdamw},
                    TrainedModel{"lstm_dual_adafactor", GateType::kLstm, CellType::kDual, false,
                                 OptimizerType::kAdafactor},
                    TrainedModel{"feedback_skip_adamw", GateType::kFixed, CellType::kSkip, true,
                                 OptimizerType::kAdamw},
                    TrainedModel{"feedback_lstm_single_adafactor", GateType::kLstm,
                                 CellType::kSingle, true, OptimizerType::kAdafactor}),
    [](const testing::TestParamInfo<TrainedModel>& model) {
      return std::string(model.param.name);
    });

}  // namespace
}  // namespace brt
