// SPDX-License-Identifier: Apache-2.0
// The paper's family of models by name, and sizes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"

namespace brt {

/// "xl", "slide", "rec-{fixed,lstm}-{dual,single,skip}",
/// "feedback-{fixed,lstm}-{dual,single,skip}".
const std::vector<std::string>& preset_names();

/// "tiny", "small", "medium", "37m", "75m", "150m", "300m", "600m", "1.2b".
const std::vector<std::string>& size_names();

/// Sizes first, then what the preset changes of them: `xl` has segment = window and no recurrence,
/// `slide` no recurrence; the others place recurrence where the size puts it (paper sizes: layer
/// 9).
/// @throws ConfigError naming the nearest known name.
ModelConfig make_preset(const std::string& preset, const std::string& size);

/// Whether a preset's name says what the model's `key` is: gate, cell and feedback always; without
/// recurrence recurrent_layers, for xl the segment too.
bool preset_decides(const std::string& preset, std::string_view key);

}  // namespace brt
