// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file: which tensor lies where, checked before any of them is read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace brt {

/// Where one tensor lies. `begin` and `end` are bytes from the start of the data, after the header.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< a word of the format: F32, BF16, I64, F8_E4M3, ...
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in order of their offset in the file
  std::map<std::string, std::string> metadata;
};

/// Longest header that is read or written, in bytes: the limit of the format's other programs.
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;

/// Bits of one element of a dtype (4 and 6 for some), or 0 if the word is unknown.
uint64_t safetensors_element_bits(std::string_view dtype);

/// Reads the JSON of a header. Every size fits the `data_bytes` that follow it: ranges lie in the
/// data, agree with dtype and shape, and cover all of it without overlap.
/// @throws CheckpointError naming `origin`, the tensor and what is wrong with it.
SafetensorsHeader parse_safetensors_header(std::string_view json_text,
                                           uint64_t data_bytes,
                                           const std::string& origin);

/// The JSON for entries and metadata, names sorted, padded with spaces so that the data after it
/// begin at a multiple of 64 bytes of the file.
/// @throws CheckpointError naming `origin` if a name is not UTF-8 or the header becomes too long.
std::string safetensors_header_text(const SafetensorsHeader& header, const std::string& origin);

/// A tensor's name as it stands in messages: quoted, escaped, cut if it is very long.
std::string quoted_tensor_name(std::string_view name);

}  // namespace brt
