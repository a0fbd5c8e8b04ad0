// SPDX-License-Identifier: Apache-2.0
// The flags --weights and --threads of the verbs that run the streaming engine, and loading it.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "engine/state_file.h"
#include "generate/load_engine.h"

namespace brt {

struct EngineFlags {
  std::string weights = "bf16";
  int64_t threads = 0;  ///< 0: all cores that the process may use
};

/// `flags` must live as long as the app.
void add_engine_flags(CLI::App& verb, EngineFlags& flags);

/// What generate/load_engine.h loads, with its messages in the log.
EngineWithTokenizer load_engine(const std::string& path, const EngineFlags& flags);

/// The document that was saved in `state_in`, or an empty one if that is empty; warns if what
/// follows will not be bit for bit what it would have been.
Session open_session(const std::string& state_in, const EngineWithTokenizer& loaded);

}  // namespace brt
