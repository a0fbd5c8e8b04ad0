// SPDX-License-Identifier: Apache-2.0
// A safetensors file mapped into memory: tensors without a copy, shared by all processes that read
// the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "safetensors/safetensors_layout.h"

namespace brt {

class MappedSafetensors {
 public:
  /// @throws CheckpointError as read_safetensors_layout.
  explicit MappedSafetensors(const std::filesystem::path& path);

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
  /// @throws DataError if another program wrote over the file since it was opened.
  void check_unchanged() const { file_.check_unchanged(); }
  /// Frees what floats() converted of a tensor.
  void forget(const std::string& name) { converted_.erase(name); }

 private:
  std::filesystem::path path_;
  SafetensorsLayout layout_;
  MappedFile file_;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::vector<float>> converted_;

  const SafetensorsEntry& entry(const std::string& name) const;
  const char* bytes_of(const SafetensorsEntry& entry) const;
};

}  // namespace brt
