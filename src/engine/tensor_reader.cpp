// SPDX-License-Identifier: Apache-2.0
// Tensors by name, and one message for all that is wrong with them.
#include "engine/tensor_reader.h"

#include "safetensors/size_check.h"

namespace brt {

const float* TensorReader::read(const std::string& name, const std::vector<int64_t>& shape) {
  read_.insert(name);
  const auto found = file_.entries().find(name);
  if (found == file_.entries().end()) {
    problems_.push_back(missing_tensor(name, shape));
    return nullptr;
  }
  const SafetensorsEntry& entry = found->second;
  if (entry.shape != shape) {
    problems_.push_back(misshapen_tensor(name, shape, entry.shape));
    if (name == kEmbeddingName) {
      hint_ = misfit_hint(shape, entry.shape);
    }
    return nullptr;
  }
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16" &&
      entry.dtype != "F64") {
    problems_.push_back(unreadable_tensor(name, entry.dtype));
    return nullptr;
  }
  return file_.floats(name).data();
}

std::vector<float> TensorReader::copy(const std::string& name, const std::vector<int64_t>& shape) {
  const float* values = read(name, shape);
  return values == nullptr ? std::vector<float>()
                           : std::vector<float>(values, values + elements_of(shape));
}

void TensorReader::finish() const {
  std::vector<std::string> problems = problems_;
  for (const auto& [name, entry] : file_.entries()) {
    if (!read_.contains(name)) {
      problems.push_back(surplus_tensor(name, entry.shape));
    }
  }
  throw_misfits(file_.path().string(), problems, hint_);
}

}  // namespace brt
