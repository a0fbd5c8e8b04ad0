// SPDX-License-Identifier: Apache-2.0
// Tensors of a mapped file, and the conversion of those that are not float32.
#include "safetensors/mapped_safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "safetensors/safetensors_layout.h"

namespace brt {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the format stores little-endian numbers");

float from_bfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

float from_float16(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const float fraction = static_cast<float>(bits & 0x3FF);
  float size = 0.0F;
  if (exponent == 0x1F) {
    size = fraction == 0.0F ? HUGE_VALF : std::nanf("");
  } else if (exponent == 0) {
    size = std::ldexp(fraction, -24);
  } else {
    size = std::ldexp(fraction + 1024.0F, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -size : size;
}

float from_float64(double value) { return static_cast<float>(value); }

/// The bytes may lie at any address.
template <class Source>
std::vector<float> convert(const char* bytes, uint64_t size, float (*to_float)(Source)) {
  std::vector<float> values(size / sizeof(Source));
  for (size_t i = 0; i < values.size(); ++i) {
    Source value;
    std::memcpy(&value, bytes + i * sizeof(Source), sizeof(Source));
    values[i] = to_float(value);
  }
  return values;
}

template <class T>
constexpr const char* dtype_word() {
  if constexpr (std::is_same_v<T, int32_t>) {
    return "I32";
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    return "U8";
  } else {
    static_assert(std::is_same_v<T, float>);
    return "F32";
  }
}

bool is_aligned(const char* bytes) {
  return reinterpret_cast<uintptr_t>(bytes) % alignof(float) == 0;
}

}  // namespace

MappedSafetensors::MappedSafetensors(const std::filesystem::path& path) : path_(path) { map(path); }

MappedSafetensors::MappedSafetensors(const WeightFiles& files) : path_(files.origin) {
  for (const std::filesystem::path& shard : files.shards) {
    map(shard);
  }
  check_all_found(files, entries_);
  for (const auto& [name, shard] : shard_of_) {
    check_shard_of(files, name, shard);
  }
}

/// Adds the tensors of one file.
void MappedSafetensors::map(const std::filesystem::path& path) {
  const SafetensorsLayout layout = read_safetensors_layout(path);
  Shard shard = {.file = MappedFile(path), .data_start = layout.data_start};
  uint64_t end = layout.data_start;
  for (const SafetensorsEntry& entry : layout.header.entries) {
    if (!entries_.emplace(entry.name, entry).second) {
      throw CheckpointError(fmt::format("{}: tensor {} is in another shard too", path.string(),
                                        quoted_tensor_name(entry.name)),
                            "the shards are not of one model");
    }
    shard_of_[entry.name] = shards_.size();
    end = std::max(end, layout.data_start + entry.end);
  }
  if (shard.file.bytes().size() < end) {
    throw CheckpointError(fmt::format("{}: became shorter while it was opened", path.string()));
  }
  shards_.push_back(std::move(shard));
}

const SafetensorsEntry& MappedSafetensors::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw CheckpointError(
        fmt::format("{}: tensor {} is missing", path_.string(), quoted_tensor_name(name)));
  }
  return found->second;
}

const char* MappedSafetensors::bytes_of(const SafetensorsEntry& entry) const {
  const Shard& shard = shards_[shard_of_.at(entry.name)];
  return shard.file.bytes().data() + shard.data_start + entry.begin;
}

void MappedSafetensors::check_unchanged() const {
  for (const Shard& shard : shards_) {
    shard.file.check_unchanged();
  }
}

template <class T>
std::vector<T> MappedSafetensors::values(const std::string& name) const {
  const SafetensorsEntry& tensor = entry(name);
  if (tensor.dtype != dtype_word<T>()) {
    throw CheckpointError(fmt::format("{}: {} must be {}, got {}", path_.string(),
                                      quoted_tensor_name(name), dtype_word<T>(), tensor.dtype));
  }
  std::vector<T> values((tensor.end - tensor.begin) / sizeof(T));
  if (!values.empty()) {
    std::memcpy(values.data(), bytes_of(tensor), values.size() * sizeof(T));
  }
  return values;
}
template std::vector<int32_t> MappedSafetensors::values(const std::string&) const;
template std::vector<uint8_t> MappedSafetensors::values(const std::string&) const;
template std::vector<float> MappedSafetensors::values(const std::string&) const;

std::span<const float> MappedSafetensors::floats(const std::string& name) {
  const SafetensorsEntry& tensor = entry(name);
  const char* bytes = bytes_of(tensor);
  const uint64_t size = tensor.end - tensor.begin;
  if (tensor.dtype == "F32" && is_aligned(bytes)) {
    return {reinterpret_cast<const float*>(bytes), size / sizeof(float)};
  }
  const auto known = converted_.find(name);
  if (known != converted_.end()) {
    return known->second;
  }
  std::vector<float> values;
  if (tensor.dtype == "F32") {
    values = convert<float>(bytes, size, [](float value) { return value; });
  } else if (tensor.dtype == "BF16") {
    values = convert<uint16_t>(bytes, size, from_bfloat16);
  } else if (tensor.dtype == "F16") {
    values = convert<uint16_t>(bytes, size, from_float16);
  } else if (tensor.dtype == "F64") {
    values = convert<double>(bytes, size, from_float64);
  } else {
    throw CheckpointError(fmt::format("{}: {} must be F32, BF16, F16 or F64, got {}",
                                      path_.string(), quoted_tensor_name(name), tensor.dtype));
  }
  return converted_.emplace(name, std::move(values)).first->second;
}

}  // namespace brt
