// SPDX-License-Identifier: Apache-2.0
// One training step after another: segment, gradients, update; and all that must be saved of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/error.h"
#include "checkpoint/written_file.h"
#include "config/run_config.h"
#include "data/lanes.h"
#include "data/prepared_data.h"
#include "model/carry.h"
#include "model/language_model.h"
#include "optim/optimizer.h"
#include "train/trainer_state.h"

namespace brt {

/// A run that cannot go on: its weights or losses are not finite any more.
class DivergenceError : public Error {
 public:
  using Error::Error;
};

/// What one step did.
struct StepResult {
  bool accepted = false;  ///< false: loss or gradient was not finite, nothing was changed
  double loss = 0.0;      ///< mean nats over the step's targets, before the update
  int64_t targets = 0;
  double gradient_norm = 0.0;  ///< before clipping
  double learning_rate = 0.0;
  std::vector<int64_t> reset_lanes;  ///< their state or cache was not finite
};

/// A model in training on the lanes of a split.
///
/// A step reads one segment of every lane. The lanes are computed in train.accumulation equal
/// groups, one after another; each group's loss is its sum of nats divided by the targets of all
/// lanes, so the gradients are those of all lanes at once. What goes on to the next segment carries
/// no gradient.
///
/// A step whose loss or gradient is not finite is skipped: weights, optimizer and carry stay as
/// they are, and lanes whose documents began in it are reset at the next accepted step.
///
/// A lane whose state or cache is not finite, or that alone makes it so, goes on with the initial
/// carry, as at a document's start: one bad lane must not skip the others' steps.
class Trainer {
 public:
  /// @param config  complete: model.vocab_size is set
  /// @param split   must outlive the object
  Trainer(const RunConfig& config, const PreparedSplit& split);

  /// Draws the weights of a new run from train.seed.
  void initialize_model();

  /// @param gate_log  collects the gates of the first group, if given.
  /// @throws DivergenceError after kMaxSkippedInARow skipped steps in a row.
  StepResult step(GateLog* gate_log = nullptr);

  LanguageModel& model() { return model_; }
  const Carry& carry() const { return carry_; }
  const TrainerState& counters() const { return state_; }  ///< its `lanes` is not kept up to date
  const Optimizer& optimizer() const { return *optimizer_; }
  int64_t epoch() const { return lanes_.epoch(); }
  std::string division() const { return lanes_.division(); }  ///< of documents among lanes

  /// Complete, `lanes` included.
  TrainerState state() const;
  /// Resets lanes whose carry is not finite, so that it can be saved. @return these lanes
  std::vector<int64_t> reset_broken_lanes();
  /// @throws DivergenceError naming a weight or moment that is not finite.
  void check_finite() const;
  /// Writes optimizer.safetensors and carry.safetensors into an existing folder.
  /// @return what these files were given
  WrittenFiles save_tensors(const std::filesystem::path& folder) const;
  /// Continues exactly where save_tensors, state and save_model were called.
  /// @throws CheckpointError, DataError if something is damaged or does not fit.
  void restore(const std::filesystem::path& folder, const TrainerState& state);

  static constexpr int64_t kMaxSkippedInARow = 100;  ///< then the run has diverged for good

 private:
  RunConfig config_;
  LanguageModel model_;
  std::vector<NamedParameter> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  Lanes lanes_;
  Carry carry_;
  TrainerState state_;
  std::vector<int64_t> suspects_;  ///< lanes that alone made the last step's loss not finite

  double compute_gradients(const Segment& segment, GateLog* gate_log, Carry& next_carry);
  void accept(StepResult& result, Carry next_carry);
  void skip(StepResult& result, const Segment& segment);
  void reset_lanes(const std::vector<int64_t>& lanes);
  void clear_gradients();
};

}  // namespace brt
