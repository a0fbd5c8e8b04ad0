// SPDX-License-Identifier: Apache-2.0
// dataset.json: which splits a folder of prepared data has, and what made them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/shard.h"

namespace brt {

/// A split that readers already find while it is moved from a temporary folder to its own. It makes
/// the manifest's replacement the one moment at which old becomes new: a process killed later has
/// only moved less than it wanted, and the next `brt prepare` goes on.
struct SplitInstallation {
  std::string split;
  std::string folder;               ///< name of the temporary folder; it may be moved already
  bool replaces_tokenizer = false;  ///< by the tokenizer.model in it, or by none
};

struct DatasetManifest {
  std::string tokenizer_kind;
  int64_t vocab_size = 0;
  uint64_t tokenizer_fingerprint = 0;
  std::map<std::string, std::vector<ShardSummary>> splits;
  std::optional<SplitInstallation> installing;
};

/// Where the manifest of a folder lies.
std::filesystem::path manifest_path(const std::filesystem::path& folder);

/// Where a split's shards lie: in the folder of its name, or in one that is still to be moved
/// there.
/// @throws FileUnreadable if the system does not tell.
std::filesystem::path split_folder(const std::filesystem::path& folder,
                                   const DatasetManifest& manifest,
                                   const std::string& split);

/// @throws DataError if it is missing, of another version, or not what `brt prepare` writes.
DatasetManifest read_manifest(const std::filesystem::path& folder);
/// Replaces the manifest at once. @throws Error if the disk does not take it.
void write_manifest(const std::filesystem::path& folder, const DatasetManifest& manifest);

/// @throws ConfigError unless the name is of letters, digits, - and _ only.
void check_split_name(const std::string& name);

}  // namespace brt
