// SPDX-License-Identifier: Apache-2.0
// Reading a recipe as run_config.h does, with a word on what overrides change besides the settings
// that they name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace brt {

/// load_run_config of run_config.h. A preset that changes the segment leaves the tokens of a step
/// as they are: unless an override gives train.lanes or model.segment, train.lanes is multiplied by
/// the old segment over the new one. A sentence about it is appended to `notes`.
RunConfig load_run_config(const std::filesystem::path& file,
                          const std::vector<std::string>& overrides,
                          std::vector<std::string>& notes);

/// parse_run_config of run_config.h with the same notes.
RunConfig parse_run_config(const std::string& toml_text,
                           const std::string& origin,
                           const std::vector<std::string>& overrides,
                           std::vector<std::string>& notes);

}  // namespace brt
