// SPDX-License-Identifier: Apache-2.0
// A stream in the middle of its document, as a file from which it goes on exactly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <ATen/core/Tensor.h>

#include "config/model_config.h"
#include "model/carry.h"

namespace brt {

struct StreamState {
  Carry carry;          ///< one lane, between blocks or within one
  at::Tensor logits_V;  ///< of the next token, float32
  int64_t tokens_read = 0;
  std::vector<int32_t> recent_tokens;  ///< for the repetition penalty, oldest first
  uint64_t seed = 0;                   ///< of the draws
};

/// What a state file says of itself.
struct StateFileInfo {
  int64_t format_version = 0;
  uint64_t model_fingerprint = 0;
  int64_t tokens_read = 0;
  int64_t bytes = 0;  ///< of all tensors
};

/// Writes a state atomically, as a safetensors file: the carry's tensors ("keys.{i}", "values.{i}",
/// "state.{i}", "position"), "logits", "recent_tokens", and metadata with a checksum over all of
/// it.
void save_state(const std::filesystem::path& path,
                const StreamState& state,
                uint64_t model_fingerprint);

/// Reads a state of the model with this config and fingerprint.
/// @throws CheckpointError if the file is damaged, of another kind or version, or of another model
/// (both fingerprints are named).
StreamState load_state(const std::filesystem::path& path,
                       const ModelConfig& config,
                       uint64_t model_fingerprint);

/// Verifies a state file's checksum and describes it. @throws CheckpointError as load_state.
StateFileInfo describe_state(const std::filesystem::path& path);

}  // namespace brt
