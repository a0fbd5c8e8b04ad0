// SPDX-License-Identifier: Apache-2.0
// A safetensors file, or several that are one model, mapped into memory: tensors without a copy,
// shared by all processes that read them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "safetensors/safetensors_header.h"
#include "safetensors/weight_files.h"

namespace brt {

class MappedSafetensors {
 public:
  /// @throws CheckpointError as read_safetensors_layout.
  explicit MappedSafetensors(const std::filesystem::path& path);
  /// The shards of a model as one file. @throws CheckpointError also if they are not those of their
  /// index, a tensor in two of them included.
  explicit MappedSafetensors(const WeightFiles& files);

  /// The file, or the index of the shards.
  const std::filesystem::path& path() const { return path_; }
  /// By name.
  const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }

  /// A tensor as float32: in place if the file holds it so, else converted by the first call, and
  /// kept. @throws CheckpointError if there is none of this name or its dtype is not F32, BF16, F16
  /// or F64. Not to be called by several threads at once.
  std::span<const float> floats(const std::string& name);
  /// A tensor's numbers as the file holds them, if its dtype is that of T (int32_t: I32, uint8_t:
  /// U8, float: F32). @throws CheckpointError otherwise, or if there is none of this name.
  template <class T>
  std::vector<T> values(const std::string& name) const;
  /// @throws DataError if another program wrote over a file since it was opened.
  void check_unchanged() const;
  /// Frees what floats() converted of a tensor.
  void forget(const std::string& name) { converted_.erase(name); }

 private:
  struct Shard {
    MappedFile file;
    uint64_t data_start = 0;
  };

  std::filesystem::path path_;
  std::vector<Shard> shards_;
  std::map<std::string, size_t> shard_of_;  ///< index into shards_, by name
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::vector<float>> converted_;

  void map(const std::filesystem::path& path);
  const SafetensorsEntry& entry(const std::string& name) const;
  const char* bytes_of(const SafetensorsEntry& entry) const;
};

}  // namespace brt
