// SPDX-License-Identifier: Apache-2.0
// A safetensors file taken apart, to be put together otherwise.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include <nlohmann/json.hpp>

namespace brt {

struct WeightsFile {
  nlohmann::json header;
  std::string data;

  WeightsFile() = default;
  explicit WeightsFile(const std::string& bytes) {
    uint64_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof(size));
    header = nlohmann::json::parse(bytes.substr(sizeof(size), size));
    data = bytes.substr(sizeof(size) + size);
  }

  std::string bytes(uint64_t claimed_header_bytes = 0) const {
    const std::string text = header.dump();
    const uint64_t size = claimed_header_bytes > 0 ? claimed_header_bytes : text.size();
    std::string result(sizeof(size), '\0');
    std::memcpy(result.data(), &size, sizeof(size));
    return result + text + data;
  }
  /// Adds a tensor behind the others.
  void add(const std::string& name, nlohmann::json tensor, const std::string& values) {
    tensor["data_offsets"] = {data.size(), data.size() + values.size()};
    header[name] = tensor;
    data += values;
  }
  /// Sets every number of a float32 tensor.
  void fill(const std::string& name, float value) {
    const size_t begin = header.at(name).at("data_offsets")[0].get<size_t>();
    const size_t end = header.at(name).at("data_offsets")[1].get<size_t>();
    for (size_t at = begin; at < end; at += sizeof(value)) {
      std::memcpy(data.data() + at, &value, sizeof(value));
    }
  }
};

}  // namespace brt
