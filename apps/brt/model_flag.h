// SPDX-License-Identifier: Apache-2.0
// The flag --model of the verbs that read a model, and what the log says of the one that is taken.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "generate/load_engine.h"

namespace brt {

/// Required. `model` must live as long as the app.
void add_model_flag(CLI::App& verb, std::string& model);

LoadMessages log_load_messages();

}  // namespace brt
