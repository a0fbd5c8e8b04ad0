// SPDX-License-Identifier: Apache-2.0
// A whole training run in its folder: steps, log, evaluations, checkpoints, stop and resume.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "config/run_config.h"
#include "eval/evaluation.h"
#include "train/resume_rules.h"
#include "train/trainer_state.h"

namespace brt {

struct TrainRequest {
  RunConfig config;  ///< as load_run_config gives it; vocab_size 0 follows the prepared data
  std::filesystem::path run_folder;
  std::filesystem::path recipe = {};  ///< the file of `config`, never written over; empty: none
  ResumeMode resume = ResumeMode::kAuto;
};

/// Told once, before the first step.
struct TrainStart {
  RunConfig config;  ///< as it is saved in the run folder
  int64_t step = 0;  ///< steps done already
  int64_t parameters = 0;
  int64_t training_tokens = 0;
  int64_t training_documents = 0;
};

/// Told after every step.
struct TrainProgress {
  int64_t step = 0;
  int64_t steps = 0;
  double bits_per_token = 0.0;  ///< of this step; NaN if it was skipped
  double bits_per_byte = 0.0;
  double tokens_per_second = 0.0;  ///< since the last logged step
  double learning_rate = 0.0;
};

/// Callbacks into the program; each may be empty.
struct TrainObserver {
  /// Asked after every step and during evaluations; true: write a checkpoint and return.
  std::function<bool()> stop_requested;
  std::function<void(const TrainStart&)> on_start;
  std::function<void(int64_t step)> on_step_begin;    ///< before every step; steps count from 1
  std::function<void(const TrainProgress&)> on_step;  ///< before its evaluation and checkpoint
  std::function<void(const EvaluationProgress&)> on_evaluation;
  std::function<void(const std::string&)> on_note;     ///< e.g. a checkpoint was written
  std::function<void(const std::string&)> on_warning;  ///< e.g. a step was skipped
};

struct TrainResult {
  int64_t step = 0;      ///< steps done
  bool stopped = false;  ///< by stop_requested, with work left to do
  int64_t tokens = 0;
  int64_t skipped_steps = 0;
  double seconds = 0.0;                      ///< of the run, all its processes together
  std::optional<double> bits_per_token;      ///< of the last logged line
  std::optional<ValidationLoss> validation;  ///< the last of this process
  std::filesystem::path checkpoint;          ///< the newest; empty if none was written or read
};

/// Trains in `run_folder` until train.steps are done or a stop is requested.
///
/// A run that was stopped or killed and is called again gives, bit for bit, the weights and losses
/// of the uninterrupted run: on the same machine with the same number of threads. The folder holds
/// config.toml, metrics.jsonl, events.out.tfevents.* and checkpoints/step-*: each a model folder
/// with optimizer.safetensors, carry.safetensors and trainer.json. A step with an evaluation that
/// was interrupted is evaluated again after the resume. Of the checkpoints with train.keep_best,
/// the best is the one whose own step was evaluated to the lowest validation loss.
///
/// What can wait does: a checkpoint or a line of the log that cannot be written is a warning and is
/// tried again at the next step, for train.save_patience steps.
///
/// Sets the process's number of threads. @throws ConfigError, DataError, CheckpointError, Error;
/// DivergenceError (train/trainer.h) if weights or losses are not finite any more: no checkpoint
/// holds such a number, and the ones before are all kept.
TrainResult run_training(const TrainRequest& request, const TrainObserver& observer);

}  // namespace brt
