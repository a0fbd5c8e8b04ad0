// SPDX-License-Identifier: Apache-2.0
// From what a user calls a model to an engine beside its tokenizer, checked, and what the user
// should know of the checkpoint that was taken.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "text/tokenizer.h"

namespace brt {

/// What a user should know of a model that is loaded; each may be empty.
struct LoadMessages {
  std::function<void(const std::string&)> warn;  ///< not what was asked for: an older checkpoint
  std::function<void(const std::string&)> note;  ///< what was asked for, but a better one is there
};

/// find_model_folder(), with all there is to say of the checkpoint that it takes.
std::filesystem::path choose_model_folder(const std::filesystem::path& path,
                                          const LoadMessages& messages);

struct EngineWithTokenizer {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Tokenizer> tokenizer;
};

/// @param path  a model folder, a run folder (its newest sound checkpoint), RUN@best or RUN@STEP
/// @throws CheckpointError also if a file of the folder does not agree with its manifest or the
/// tokenizer has tokens that the model lacks.
EngineWithTokenizer load_engine(const std::filesystem::path& path,
                                const EngineOptions& options,
                                const LoadMessages& messages);

}  // namespace brt
