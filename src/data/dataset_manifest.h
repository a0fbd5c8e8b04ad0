// SPDX-License-Identifier: Apache-2.0
// dataset.json: which splits a folder of prepared data has, and what made them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/shard.h"

namespace brt {

struct DatasetManifest {
  std::string tokenizer_kind;
  int64_t vocab_size = 0;
  uint64_t tokenizer_fingerprint = 0;
  std::map<std::string, std::vector<ShardSummary>> splits;
};

/// Where the manifest of a folder lies.
std::filesystem::path manifest_path(const std::filesystem::path& folder);

/// @throws DataError if it is missing, of another version, or not what `brt prepare` writes.
DatasetManifest read_manifest(const std::filesystem::path& folder);
/// Replaces the manifest at once. @throws Error if the disk does not take it.
void write_manifest(const std::filesystem::path& folder, const DatasetManifest& manifest);

/// @throws ConfigError unless the name is of letters, digits, - and _ only.
void check_split_name(const std::string& name);

}  // namespace brt
