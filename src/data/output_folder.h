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

/// Makes the folder if need be and holds its lock. Only what dataset.json names, and temporary
/// names of brt's own making, is ever replaced or removed. What is not put in place by
/// install_split() is removed on destruction: files, and folders that were made for them.
class OutputFolder {
 public:
  /// Also ends what an interrupted run has begun, and removes what it left. @throws DataError if
  /// the folder holds other things than prepared data, Error if it cannot be made or is in use.
  explicit OutputFolder(const std::filesystem::path& path);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Whether `split` can be put in place. @throws DataError if something that dataset.json does not
  /// name is in its place, or if other splits were made by another tokenizer.
  void check_split(const std::string& split, const Tokenizer& tokenizer) const;
  /// An empty folder to write the split's shards into.
  std::filesystem::path begin_split(const std::string& split);
  /// Puts the split of begin_split() in place, over an older one of that name: dataset.json names
  /// it, then the folder gets its name. If it throws, readers find the old split or the new one,
  /// whole, and the next OutputFolder goes on from there.
  void install_split(const std::string& split,
                     const std::vector<ShardSummary>& shards,
                     const Tokenizer& tokenizer);

 private:
  std::filesystem::path path_;
  NewFolders new_folders_;
  bool made_lock_ = false;
  bool keep_ = false;  ///< dataset.json was written
  std::unique_ptr<FileLock> lock_;
  DatasetManifest manifest_;
  bool has_manifest_ = false;
  std::string unfinished_;  ///< name of the folder that begin_split() made

  void remove_made();
  void check_contents() const;
  void check_tokenizer(const std::string& split, const Tokenizer& tokenizer) const;
  bool is_named_on_disk() const;
  void finish_installation();
  void remove_leftovers() const noexcept;
};

}  // namespace brt
