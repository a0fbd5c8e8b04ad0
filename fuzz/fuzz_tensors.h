// SPDX-License-Identifier: Apache-2.0
// Safetensors files of made-up values, the same in every process, without LibTorch.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/little_endian.h"
#include "base/seeded_random.h"
#include "safetensors/safetensors_header.h"

namespace brt {

/// "F32", with values from -1 to 1, or "I64", with values from 0 to 9.
struct FuzzTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::string dtype = "F32";
};

/// A file's two parts: the header, and the data that it describes.
struct FuzzTensorFile {
  std::string header;
  std::string data;

  /// The file with this header, sound or not, before the data.
  std::string with_header(std::string_view text) const {
    std::string file;
    append_little_endian(file, static_cast<uint64_t>(text.size()));
    file += text;
    return file + data;
  }
  std::string whole() const { return with_header(header); }
};

inline FuzzTensorFile fuzz_tensor_file(const std::vector<FuzzTensor>& tensors) {
  SafetensorsHeader header;
  FuzzTensorFile file;
  SeededRandom random(7);
  for (const FuzzTensor& tensor : tensors) {
    int64_t values = 1;
    for (const int64_t size : tensor.shape) {
      values *= size;
    }
    const uint64_t begin = file.data.size();
    for (; values > 0; --values) {
      if (tensor.dtype == "I64") {
        append_little_endian(file.data, static_cast<uint64_t>(10.0 * random.uniform()));
      } else {
        const float value = static_cast<float>(2.0 * random.uniform() - 1.0);
        append_little_endian(file.data, std::bit_cast<uint32_t>(value));
      }
    }
    header.entries.push_back({.name = tensor.name,
                              .dtype = tensor.dtype,
                              .shape = tensor.shape,
                              .begin = begin,
                              .end = file.data.size()});
  }
  file.header = safetensors_header_text(header, "fuzz tensors");
  return file;
}

/// The carry of two lanes that a run of fuzz_config() saves (model/carry.h).
inline const FuzzTensorFile& fuzz_carry() {
  static const FuzzTensorFile file = fuzz_tensor_file({{"keys.0", {2, 5, 1, 4}},
                                                       {"values.0", {2, 5, 1, 4}},
                                                       {"state.0", {2, 2, 8}},
                                                       {"position", {2}, "I64"}});
  return file;
}

/// What an optimizer of one matrix and one vector saves, but "updates".
inline std::vector<FuzzTensor> fuzz_moments() {
  return {{"matrix.momentum", {2, 3}}, {"matrix.second_moment", {2, 3}}, {"vector.momentum", {3}}};
}

inline const FuzzTensorFile& fuzz_optimizer_state() {
  static const FuzzTensorFile file = [] {
    std::vector<FuzzTensor> tensors = fuzz_moments();
    tensors.push_back({"updates", {}, "I64"});
    return fuzz_tensor_file(tensors);
  }();
  return file;
}

/// An input that begins as JSON does is a header, put before sound data; any other is a file.
inline std::string tensor_file_of(std::string_view input, const FuzzTensorFile& sound) {
  return input.starts_with('{') ? sound.with_header(input) : std::string(input);
}

}  // namespace brt
