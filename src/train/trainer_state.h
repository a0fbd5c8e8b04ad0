// SPDX-License-Identifier: Apache-2.0
// What a checkpoint remembers of a run beside tensors: trainer.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace brt {

/// Where the trainer stands. There is no random generator among it: every random number of a run is
/// a function of train.seed, its purpose and the step (base/seeded_random.h), so the step says it
/// all.
struct TrainerState {
  int64_t step = 0;    ///< steps done, skipped ones included
  int64_t tokens = 0;  ///< targets learned from
  int64_t skipped_steps = 0;
  int64_t skipped_in_a_row = 0;  ///< up to now
  /// [B] 1: the lane's document began in a skipped segment, so the carry is still to be reset.
  std::vector<uint8_t> pending_starts;
  std::string lanes;  ///< Lanes::save()

  bool operator==(const TrainerState&) const = default;
};

/// A validation loss and the step it was measured at.
struct ValidationLoss {
  int64_t step = 0;
  double bits_per_token = 0.0;

  bool operator==(const ValidationLoss&) const = default;
};

/// Where the loop around the trainer stands.
struct LoopState {
  double unlogged_nats = 0.0;  ///< sums since the last line of metrics.jsonl
  int64_t unlogged_tokens = 0;
  double unlogged_seconds = 0.0;       ///< of steps alone
  double seconds = 0.0;                ///< wall time of the run, all its processes together
  std::optional<ValidationLoss> best;  ///< lowest loss among steps that have a checkpoint
  /// The line of metrics.jsonl whose evaluation was interrupted by a stop; empty: none.
  std::string unfinished_record;
  /// Evaluations in a row, up to now, in which the state that comes in made no difference.
  int64_t unused_state_evaluations = 0;

  bool operator==(const LoopState&) const = default;
};

/// Everything in trainer.json.
struct SavedRun {
  TrainerState trainer;
  LoopState loop;
  std::string config;            ///< the run's settings as TOML
  std::string data_fingerprint;  ///< of the training split
  std::string tokenizer_fingerprint;
  std::string validation_fingerprint;  ///< of the validation split; empty: none was read
  std::string cpu_target;              ///< of the kernels; empty in files of older versions

  bool operator==(const SavedRun&) const = default;
};

std::string saved_run_to_json(const SavedRun& run);
/// @param origin the file's path, for messages.
/// @throws CheckpointError if the text is damaged.
SavedRun saved_run_from_json(const std::string& text, const std::string& origin);

}  // namespace brt
