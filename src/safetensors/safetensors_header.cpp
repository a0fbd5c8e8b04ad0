// SPDX-License-Identifier: Apache-2.0
// Defensive reading of the header: nothing in it is believed before it is checked.
#include "safetensors/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "safetensors/strict_json.h"

namespace brt {
namespace {

using nlohmann::json;

constexpr const char* kMetadataKey = "__metadata__";
constexpr uint64_t kDataAlignment = 64;
constexpr int64_t kByteBits = 8;
constexpr size_t kMaxDimensions = 64;  // LibTorch's own limit for element-wise operations

/// Words of the format, with the bits of one element.
constexpr std::pair<std::string_view, uint64_t> kDtypes[] = {
    {"BOOL", 8},    {"U8", 8},      {"I8", 8},          {"F8_E4M3", 8},     {"F8_E5M2", 8},
    {"F8_E8M0", 8}, {"U16", 16},    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"F16", 16},    {"BF16", 16},   {"U32", 32},        {"I32", 32},        {"F32", 32},
    {"U64", 64},    {"I64", 64},    {"F64", 64},        {"C64", 64},        {"F4", 4},
    {"F6_E2M3", 6}, {"F6_E3M2", 6},
};

std::map<std::string, std::string> parse_metadata(const json& value, const std::string& origin) {
  if (value.is_null()) {  // the format's other programs take it for none
    return {};
  }
  if (!value.is_object()) {
    throw CheckpointError(fmt::format("{}: {} must be an object", origin, kMetadataKey));
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      throw CheckpointError(fmt::format("{}: {}: {} must be a string", origin, kMetadataKey,
                                        quoted_tensor_name(key)));
    }
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

/// Reads the fields of one tensor; `where_` is "FILE: tensor NAME" for messages.
class EntryParser {
 public:
  EntryParser(const std::string& name, const json& value, const std::string& origin)
      : name_(name),
        value_(value),
        where_(fmt::format("{}: tensor {}", origin, quoted_tensor_name(name))) {}

  SafetensorsEntry parse(uint64_t data_bytes) const {
    if (!value_.is_object()) {
      fail("must be an object with dtype, shape and data_offsets");
    }
    for (const auto& [key, unused] : value_.items()) {
      if (key != "dtype" && key != "shape" && key != "data_offsets") {
        fail(fmt::format("has an unknown key {}", quoted_tensor_name(key)));
      }
    }
    SafetensorsEntry entry;
    entry.name = name_;
    entry.dtype = parse_dtype();
    entry.shape = parse_shape();
    parse_range(entry, data_bytes);
    const uint64_t bytes = expected_bytes(entry);
    if (entry.end - entry.begin != bytes) {
      fail(
          fmt::format("of dtype {} and shape [{}] must have {} bytes, but its data_offsets span {}",
                      entry.dtype, fmt::join(entry.shape, ", "), bytes, entry.end - entry.begin));
    }
    return entry;
  }

 private:
  const std::string& name_;
  const json& value_;
  std::string where_;

  [[noreturn]] void fail(const std::string& what) const {
    throw CheckpointError(fmt::format("{} {}", where_, what));
  }

  const json& field(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) {
      fail(fmt::format("has no {}", key));
    }
    return *found;
  }

  std::string parse_dtype() const {
    const json& dtype = field("dtype");
    if (!dtype.is_string()) {
      fail("has a dtype that is not a string");
    }
    std::string word = dtype.get<std::string>();
    if (safetensors_element_bits(word) == 0) {
      fail(fmt::format("has dtype {}, expected one of {}", quoted_tensor_name(word),
                       fmt::join(kDtypes | std::views::keys, ", ")));
    }
    return word;
  }

  std::vector<int64_t> parse_shape() const {
    const json& shape = field("shape");
    if (!shape.is_array() || shape.size() > kMaxDimensions) {
      fail(fmt::format("has a shape that is not an array of at most {} sizes", kMaxDimensions));
    }
    std::vector<int64_t> sizes;
    for (const json& size : shape) {
      if (!size.is_number_unsigned() ||
          size.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        fail(fmt::format("has a size in its shape that is not a whole number from 0: {}",
                         size.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 40)));
      }
      sizes.push_back(size.get<int64_t>());
    }
    return sizes;
  }

  void parse_range(SafetensorsEntry& entry, uint64_t data_bytes) const {
    const json& offsets = field("data_offsets");
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      fail("must have data_offsets of two whole numbers from 0");
    }
    entry.begin = offsets[0].get<uint64_t>();
    entry.end = offsets[1].get<uint64_t>();
    if (entry.begin > entry.end) {
      fail(fmt::format("begins at {}, after its end at {}", entry.begin, entry.end));
    }
    if (entry.end > data_bytes) {
      throw CheckpointError(
          fmt::format("{} ends at byte {} of the data, but the file holds only {} bytes of data",
                      where_, entry.end, data_bytes),
          "the file is cut off; copy or download it again");
    }
  }

  /// Also guards LibTorch's strides, which are products of sizes where 0 counts as 1.
  uint64_t expected_bytes(const SafetensorsEntry& entry) const {
    int64_t product = static_cast<int64_t>(safetensors_element_bits(entry.dtype));
    bool is_empty = false;
    for (const int64_t size : entry.shape) {
      is_empty = is_empty || size == 0;
      if (__builtin_mul_overflow(product, std::max<int64_t>(size, 1), &product)) {
        fail(fmt::format("has a shape too large to exist: [{}]", fmt::join(entry.shape, ", ")));
      }
    }
    if (!is_empty && product % kByteBits != 0) {
      fail(fmt::format("of dtype {} and shape [{}] has {} bits, which are no whole bytes",
                       entry.dtype, fmt::join(entry.shape, ", "), product));
    }
    return is_empty ? 0 : static_cast<uint64_t>(product / kByteBits);
  }
};

/// `entries` are sorted by offset.
void check_coverage(const std::vector<SafetensorsEntry>& entries,
                    uint64_t data_bytes,
                    const std::string& origin) {
  uint64_t covered = 0;
  const SafetensorsEntry* previous = nullptr;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin < covered) {
      throw CheckpointError(fmt::format(
          "{}: tensor {} begins at byte {} of the data, within tensor {}", origin,
          quoted_tensor_name(entry.name), entry.begin, quoted_tensor_name(previous->name)));
    }
    if (entry.begin > covered) {
      throw CheckpointError(
          fmt::format("{}: bytes {} to {} of the data, before tensor {}, belong to no tensor",
                      origin, covered, entry.begin, quoted_tensor_name(entry.name)));
    }
    covered = entry.end;
    previous = &entry;
  }
  if (covered != data_bytes) {
    throw CheckpointError(fmt::format("{}: {} bytes after the last tensor belong to no tensor",
                                      origin, data_bytes - covered));
  }
}

}  // namespace

uint64_t safetensors_element_bits(std::string_view dtype) {
  for (const auto& [word, bits] : kDtypes) {
    if (word == dtype) {
      return bits;
    }
  }
  return 0;
}

SafetensorsHeader parse_safetensors_header(std::string_view json_text,
                                           uint64_t data_bytes,
                                           const std::string& origin) {
  const json root = parse_strict_object(json_text, origin + ": header", "a safetensors file");
  SafetensorsHeader header;
  for (const auto& [name, value] : root.items()) {
    if (name == kMetadataKey) {
      header.metadata = parse_metadata(value, origin);
    } else {
      header.entries.push_back(EntryParser(name, value, origin).parse(data_bytes));
    }
  }
  std::ranges::stable_sort(header.entries, {}, [](const SafetensorsEntry& entry) {
    return std::make_pair(entry.begin, entry.end);
  });
  check_coverage(header.entries, data_bytes, origin);
  return header;
}

std::string safetensors_header_text(const SafetensorsHeader& header, const std::string& origin) {
  json root = json::object();
  if (!header.metadata.empty()) {
    root[kMetadataKey] = header.metadata;
  }
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.name == kMetadataKey) {
      throw CheckpointError(
          fmt::format("{}: a tensor cannot be named {}", origin, quoted_tensor_name(entry.name)));
    }
    root[entry.name] = {
        {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string text;
  try {
    text = root.dump();
  } catch (const json::exception&) {
    throw CheckpointError(
        fmt::format("{}: the name of a tensor or a text of the metadata is not UTF-8", origin));
  }
  const uint64_t used = sizeof(uint64_t) + text.size();
  text.append((kDataAlignment - used % kDataAlignment) % kDataAlignment, ' ');
  if (text.size() > kMaxSafetensorsHeaderBytes) {
    throw CheckpointError(
        fmt::format("{}: the header would have {} bytes, more than the format's {}", origin,
                    text.size(), kMaxSafetensorsHeaderBytes));
  }
  return text;
}

std::string quoted_tensor_name(std::string_view name) {
  constexpr size_t kLongest = 120;
  const bool is_cut = name.size() > kLongest;
  const json text = std::string(name.substr(0, kLongest)) + (is_cut ? "..." : "");
  return text.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

}  // namespace brt
