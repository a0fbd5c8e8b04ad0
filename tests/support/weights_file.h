// SPDX-License-Identifier: Apache-2.0
// A safetensors file taken apart, to be put together otherwise.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

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
    std::string text = header.dump();
    text.resize((sizeof(uint64_t) + text.size() + 63) / 64 * 64 - sizeof(uint64_t), ' ');
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
  /// Adds a tensor of float32.
  void add_floats(const std::string& name,
                  const std::vector<int64_t>& shape,
                  const std::vector<float>& values) {
    add(name, {{"dtype", "F32"}, {"shape", shape}},
        {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }
  /// Calls change(value, index) with every number of a float32 tensor.
  template <class Change>
  void change(const std::string& name, Change&& change) {
    const size_t begin = header.at(name).at("data_offsets")[0].get<size_t>();
    const size_t end = header.at(name).at("data_offsets")[1].get<size_t>();
    for (size_t at = begin; at < end; at += sizeof(float)) {
      float value = 0.0F;
      std::memcpy(&value, data.data() + at, sizeof(value));
      change(value, static_cast<int64_t>((at - begin) / sizeof(value)));
      std::memcpy(data.data() + at, &value, sizeof(value));
    }
  }
  /// Sets every number of a float32 tensor.
  void fill(const std::string& name, float value) {
    change(name, [value](float& number, int64_t /*index*/) { number = value; });
  }
};

}  // namespace brt
