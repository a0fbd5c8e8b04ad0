// SPDX-License-Identifier: Apache-2.0
// Whether a run that is resumed is the one that its checkpoint was made by: settings and data.
#pragma once

#include <filesystem>
#include <string>

#include "config/run_config.h"
#include "train/run_messages.h"
#include "train/trainer_state.h"

namespace brt {

/// What a run reads, as fingerprints.
struct RunData {
  std::string training;
  std::string tokenizer;
  std::string validation;  ///< empty: the run is never evaluated
};

/// What trainer.json of a checkpoint says, where a run with these settings and data may go on from
/// it; what changed and does not matter is told.
/// @throws CheckpointError if the file is damaged, ConfigError as check_resumed_config(), DataError
/// if a split or the tokenizer is another than the run began with.
SavedRun read_resumed_run(const std::filesystem::path& checkpoint,
                          const RunConfig& config,
                          const RunData& data,
                          const RunMessages& messages);

}  // namespace brt
