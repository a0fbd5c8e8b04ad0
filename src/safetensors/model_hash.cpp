// SPDX-License-Identifier: Apache-2.0
// What of a model enters its hash.
#include "safetensors/model_hash.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace brt {

ModelHash::ModelHash(const ModelConfig& config) {
  const std::string text = model_config_to_json(resolve_model_config(config), "");
  hash_.update(text.data(), text.size());
}

void ModelHash::add(const std::string& name,
                    const std::string& dtype,
                    std::span<const int64_t> shape,
                    const void* data,
                    size_t bytes) {
  const std::string description =
      fmt::format("\n{} {} [{}]\n", name, dtype, fmt::join(shape, ", "));
  hash_.update(description.data(), description.size());
  hash_.update(data, bytes);
}

}  // namespace brt
