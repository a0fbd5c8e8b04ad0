// SPDX-License-Identifier: Apache-2.0
// The folder that `brt prepare` writes into: locked, checked, and changed by whole splits only.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/new_folders.h"
#include "data/dataset_manifest.h"
#include "text/tokenizer.h"

namespace brt {

/// Makes the folder if need be and holds its lock. What is not put in place by install_split() is
/// removed on destruction: files, and folders that were made for them.
class OutputFolder {
 public:
  /// Also removes what interrupted runs have left. @throws DataError if the folder holds other
  /// things than prepared data, Error if it cannot be made or is in use.
  explicit OutputFolder(const std::filesystem::path& path);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// @throws DataError if splits other than `split` were made by another tokenizer.
  void check_tokenizer(const Tokenizer& tokenizer, const std::string& split) const;
  /// An empty folder to write the split's shards into.
  std::filesystem::path begin_split(const std::string& split);
  /// Puts the split of begin_split() in place, over an older one of that name. Changes nothing if
  /// it throws.
  void install_split(const std::string& split,
                     const std::vector<ShardSummary>& shards,
                     const Tokenizer& tokenizer);

 private:
  std::filesystem::path path_;
  NewFolders new_folders_;
  bool made_lock_ = false;
  bool keep_ = false;
  std::unique_ptr<FileLock> lock_;
  DatasetManifest manifest_;

  void remove_made();
  void check_contents() const;
  void remove_leftovers() const;
};

}  // namespace brt
