// SPDX-License-Identifier: Apache-2.0
// The files that hold a model's weights: one, or the shards that an index lists.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace brt {

inline constexpr const char* kWeightsName = "model.safetensors";
inline constexpr const char* kWeightsIndexName = "model.safetensors.index.json";

struct WeightFiles {
  std::filesystem::path origin;               ///< for messages: the one file, or the index
  std::vector<std::filesystem::path> shards;  ///< each once, by name; the one file without an index
  /// Index into `shards` by tensor, as the index file says; empty without one.
  std::map<std::string, size_t> shard_of;

  bool has_index() const { return !shard_of.empty(); }
};

/// Whether a folder has weights of either form.
bool has_weights(const std::filesystem::path& folder);

/// The weight files of a model folder: model.safetensors, or else what the "weight_map" of
/// model.safetensors.index.json names, as other programs write large models.
/// @throws CheckpointError if there is neither, the index is damaged or names a tensor twice, or a
/// shard is missing or lies outside of the folder.
WeightFiles find_weight_files(const std::filesystem::path& folder);

/// Checks a tensor that was found in a shard against the index. @throws CheckpointError naming both
/// files if the index lists it elsewhere or not at all.
void check_shard_of(const WeightFiles& files, const std::string& tensor, size_t shard);

[[noreturn]] void throw_not_in_shard(const WeightFiles& files, const std::string& tensor);

/// @param found  a map or set of the names of all tensors that the shards hold
/// @throws CheckpointError naming a tensor that the index lists and no shard holds.
template <class Map>
void check_all_found(const WeightFiles& files, const Map& found) {
  for (const auto& [tensor, shard] : files.shard_of) {
    if (!found.contains(tensor)) {
      throw_not_in_shard(files, tensor);
    }
  }
}

}  // namespace brt
