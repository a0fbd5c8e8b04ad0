// SPDX-License-Identifier: Apache-2.0
// A document being read, as a file from which it goes on exactly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/model_identity.h"
#include "engine/session.h"

namespace brt {

/// One buffer of the stream's state.
struct StatePart {
  std::string name;
  std::string dtype;  ///< "F32", or "BF16": caches, unless the weights are fp32
  std::string bytes;
};

/// What a state file holds.
///
///   8 bytes    "BRTSTATE"
///   4 bytes    format version, little endian as all numbers
///   8 bytes    size of the header
///   header     JSON: model, sampler, positions in the text, names and sizes of the parts
///   parts      one by one, in the order of the header
///   8 bytes    XXH3 of everything before
struct StateFile {
  ModelIdentity model;
  int64_t tokens_read = 0;
  TextProgress text;
  std::vector<StatePart> parts;
};

inline constexpr uint32_t kStateFormatVersion = 2;

/// Whether a file begins as a state file does.
bool begins_as_state_file(const std::filesystem::path& path);

/// Reads a file and verifies its checksum. @throws CheckpointError if it is damaged or of another
/// kind or version.
StateFile read_state_file(const std::filesystem::path& path);

/// Writes it so that it appears whole or not at all.
void write_state_file(const std::filesystem::path& path, const StateFile& file);

/// Saves a session of the engine's model.
void save_state(const std::filesystem::path& path,
                const Session& session,
                const ModelIdentity& model);

/// A session that was saved, ready to go on.
/// @param note  is set where the file comes from another CPU target: the continuation then
///              agrees to rounding, not bit for bit
/// @throws CheckpointError if the file is damaged, of another kind or version, or of another model,
/// tokenizer or weight format (both are named).
Session load_state(const std::filesystem::path& path,
                   const Engine& engine,
                   const Tokenizer& tokenizer,
                   std::string& note);

/// What differs between a part of two states.
struct PartDifference {
  std::string name;
  int64_t values = 0;    ///< how many differ, or are in one only
  double largest = 0.0;  ///< largest absolute difference of the others
};

/// The parts in which two states differ, in order.
std::vector<PartDifference> compare_parts(const StateFile& first, const StateFile& second);

}  // namespace brt
