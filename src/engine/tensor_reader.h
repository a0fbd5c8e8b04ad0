// SPDX-License-Identifier: Apache-2.0
// Reads a model's tensors by name and shape, and collects all that do not fit.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "safetensors/mapped_safetensors.h"
#include "safetensors/tensor_misfits.h"

namespace brt {

class TensorReader {
 public:
  explicit TensorReader(MappedSafetensors& file) : file_(file) {}

  /// A tensor of this shape; null if the file does not hold one, which finish() will report.
  const float* read(const std::string& name, const std::vector<int64_t>& shape);
  /// A copy of it; empty if there is none.
  std::vector<float> copy(const std::string& name, const std::vector<int64_t>& shape);

  /// @throws CheckpointError naming every tensor that was missing, misshapen, of a wrong dtype, or
  /// that nobody read
  void finish() const;

 private:
  MappedSafetensors& file_;
  std::set<std::string> read_;
  std::vector<std::string> problems_;
  std::string hint_ = misfit_hint({}, {});
};

}  // namespace brt
