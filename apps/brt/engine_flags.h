// SPDX-License-Identifier: Apache-2.0
// The flags --weights and --threads of the verbs that run the streaming engine, and loading it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "generate/engine.h"
#include "text/tokenizer.h"

namespace brt {

struct EngineFlags {
  std::string weights = "bf16";
  int64_t threads = 0;  ///< 0: all cores
};

/// `flags` must live as long as the app.
void add_engine_flags(CLI::App& verb, EngineFlags& flags);

struct EngineWithTokenizer {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Tokenizer> tokenizer;
};

/// A model folder, or a run folder's newest checkpoint. @throws CheckpointError also if a file of
/// it does not agree with its manifest or the tokenizer has tokens that the model lacks.
EngineWithTokenizer load_engine(const std::string& path, const EngineFlags& flags);

}  // namespace brt
