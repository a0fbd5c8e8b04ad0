// SPDX-License-Identifier: Apache-2.0
// What a file of a checkpoint was given, known before the disk has seen it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace brt {

/// Size and checksum of the bytes that a file was given.
struct WrittenFile {
  uint64_t bytes = 0;
  uint64_t xxh3 = 0;

  bool operator==(const WrittenFile&) const = default;
};

/// By name relative to the checkpoint's folder.
using WrittenFiles = std::map<std::string, WrittenFile>;

/// As write_file_atomically.
WrittenFile write_recorded_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace brt
