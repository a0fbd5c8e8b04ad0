// SPDX-License-Identifier: Apache-2.0
// The identity of a model: a hash of its config and of every weight.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/hash.h"
#include "config/model_config.h"

namespace brt {

/// Gets the weights in the order of their names, each as it is used: converted, if the file held
/// another dtype.
class ModelHash {
 public:
  explicit ModelHash(const ModelConfig& config);

  /// @param dtype  the format's word, "F32"
  void add(const std::string& name,
           const std::string& dtype,
           std::span<const int64_t> shape,
           const void* data,
           size_t bytes);
  uint64_t digest() const { return hash_.digest(); }

 private:
  StreamingHash hash_;
};

}  // namespace brt
