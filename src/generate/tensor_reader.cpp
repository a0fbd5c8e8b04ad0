// SPDX-License-Identifier: Apache-2.0
// Tensors by name, and one message for all that is wrong with them.
#include "generate/tensor_reader.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr size_t kMostListed = 10;
constexpr const char* kEmbeddingName = "embedding.weight";

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

int64_t elements(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t size : shape) {
    product *= size;
  }
  return product;
}

}  // namespace

const float* TensorReader::read(const std::string& name, const std::vector<int64_t>& shape) {
  read_.insert(name);
  const auto found = file_.entries().find(name);
  if (found == file_.entries().end()) {
    problems_.push_back(
        fmt::format("{} {} is missing", quoted_tensor_name(name), shape_text(shape)));
    return nullptr;
  }
  const SafetensorsEntry& entry = found->second;
  if (entry.shape != shape) {
    problems_.push_back(fmt::format("{} must be {}, got {}", quoted_tensor_name(name),
                                    shape_text(shape), shape_text(entry.shape)));
    if (name == kEmbeddingName && entry.shape.size() == 2 && entry.shape[1] == shape[1]) {
      hint_ = fmt::format(
          "the weights are for a vocabulary of {} tokens, the config's vocab_size is {}: use the "
          "config and tokenizer that belong to the weights",
          entry.shape[0], shape[0]);
    }
    return nullptr;
  }
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16" &&
      entry.dtype != "F64") {
    problems_.push_back(fmt::format("{} must be F32, BF16, F16 or F64, got {}",
                                    quoted_tensor_name(name), entry.dtype));
    return nullptr;
  }
  return file_.floats(name).data();
}

std::vector<float> TensorReader::copy(const std::string& name, const std::vector<int64_t>& shape) {
  const float* values = read(name, shape);
  return values == nullptr ? std::vector<float>()
                           : std::vector<float>(values, values + elements(shape));
}

void TensorReader::finish() const {
  std::vector<std::string> problems = problems_;
  for (const auto& [name, entry] : file_.entries()) {
    if (!read_.contains(name)) {
      problems.push_back(fmt::format("{} {} is not a tensor of this model",
                                     quoted_tensor_name(name), shape_text(entry.shape)));
    }
  }
  if (problems.empty()) {
    return;
  }
  const size_t count = problems.size();
  problems.resize(std::min(count, kMostListed));
  throw CheckpointError(
      fmt::format("{}: {} {} not fit the model: {}{}", file_.path().string(), count,
                  count == 1 ? "tensor does" : "tensors do", fmt::join(problems, "; "),
                  count > kMostListed ? fmt::format("; and {} more", count - kMostListed) : ""),
      hint_);
}

}  // namespace brt
