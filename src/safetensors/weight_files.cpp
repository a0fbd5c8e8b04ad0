// SPDX-License-Identifier: Apache-2.0
// Reading model.safetensors.index.json, of which nothing is believed before it is checked.
#include "safetensors/weight_files.h"

#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "safetensors/safetensors_header.h"
#include "safetensors/strict_json.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// A shard is named by a path below the index's folder; links are followed, as caches have them.
bool lies_below(const fs::path& name) {
  return name.is_relative() && name.has_filename() && name.lexically_normal() == name &&
         *name.begin() != "..";
}

/// The shard's name by tensor.
std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const std::string subject = index.string();
  std::error_code error;
  if (fs::file_size(index, error) > kMaxSafetensorsHeaderBytes && !error) {
    throw CheckpointError(
        fmt::format("{}: is longer than {} bytes", subject, kMaxSafetensorsHeaderBytes),
        "this is not the index of a model's weights");
  }
  const json root =
      parse_strict_object(read_file(index), subject + ":", "the index of a model's weights");
  if (!root.contains("weight_map") || !root.at("weight_map").is_object() ||
      root.at("weight_map").empty()) {
    throw CheckpointError(
        fmt::format("{}: has no object \"weight_map\" with the shard of each tensor", subject));
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : root.at("weight_map").items()) {
    if (!shard.is_string() || !lies_below(shard.get<std::string>())) {
      throw CheckpointError(fmt::format(
          "{}: tensor {}: the shard must be the name of a file in this folder, got {}", subject,
          quoted_tensor_name(tensor),
          quoted_tensor_name(shard.is_string() ? shard.get<std::string>() : shard.dump())));
    }
    shards[tensor] = shard.get<std::string>();
  }
  return shards;
}

}  // namespace

bool has_weights(const fs::path& folder) {
  return is_there(folder / kWeightsName) || is_there(folder / kWeightsIndexName);
}

WeightFiles find_weight_files(const fs::path& folder) {
  if (is_there(folder / kWeightsName)) {
    return {.origin = folder / kWeightsName, .shards = {folder / kWeightsName}, .shard_of = {}};
  }
  const fs::path index = folder / kWeightsIndexName;
  if (!is_there(index)) {
    throw CheckpointError(fmt::format("{}: has no {}", folder.string(), kWeightsName),
                          "a model folder holds config.json and model.safetensors");
  }
  const std::map<std::string, std::string> weight_map = read_weight_map(index);
  std::map<std::string, size_t> indices;  // of the shards, by name
  for (const auto& [tensor, name] : weight_map) {
    indices.emplace(name, 0);
  }
  WeightFiles files = {.origin = index, .shards = {}, .shard_of = {}};
  for (auto& [name, shard] : indices) {
    if (!is_there(folder / name)) {
      throw CheckpointError(fmt::format("{}: is missing, but {} lists it", (folder / name).string(),
                                        kWeightsIndexName),
                            "copy all shards of the model into the folder");
    }
    shard = files.shards.size();
    files.shards.push_back(folder / name);
  }
  for (const auto& [tensor, name] : weight_map) {
    files.shard_of[tensor] = indices.at(name);
  }
  return files;
}

void check_shard_of(const WeightFiles& files, const std::string& tensor, size_t shard) {
  if (!files.has_index()) {
    return;
  }
  const auto listed = files.shard_of.find(tensor);
  if (listed == files.shard_of.end()) {
    throw CheckpointError(fmt::format("{}: tensor {} is not listed in {}",
                                      files.shards[shard].string(), quoted_tensor_name(tensor),
                                      files.origin.string()));
  }
  if (listed->second != shard) {
    throw CheckpointError(fmt::format("{}: tensor {} belongs in {} by {}",
                                      files.shards[shard].string(), quoted_tensor_name(tensor),
                                      files.shards[listed->second].filename().string(),
                                      files.origin.string()));
  }
}

void throw_not_in_shard(const WeightFiles& files, const std::string& tensor) {
  throw CheckpointError(fmt::format("{}: tensor {} is missing, but {} lists it there",
                                    files.shards[files.shard_of.at(tensor)].string(),
                                    quoted_tensor_name(tensor), files.origin.string()),
                        "index and shards are not of the same model");
}

}  // namespace brt
