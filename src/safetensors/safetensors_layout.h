// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a safetensors file lie: its header, read and checked.
#pragma once

#include <cstdint>
#include <filesystem>

#include "safetensors/safetensors_header.h"

namespace brt {

struct SafetensorsLayout {
  SafetensorsHeader header;
  uint64_t data_start = 0;  ///< bytes before the data that the entries' offsets count from
};

/// @throws CheckpointError naming the file and what is wrong: missing, truncated, header over 100
/// MB or not JSON, and all that parse_safetensors_header refuses.
SafetensorsLayout read_safetensors_layout(const std::filesystem::path& path);

}  // namespace brt
