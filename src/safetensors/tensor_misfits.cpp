// SPDX-License-Identifier: Apache-2.0
// Messages of tensors that do not fit a model.
#include "safetensors/tensor_misfits.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "safetensors/safetensors_header.h"

namespace brt {
namespace {

constexpr size_t kMostListed = 10;

std::string shape_text(TensorShape shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace

std::string missing_tensor(const std::string& name, TensorShape shape) {
  return fmt::format("{} {} is missing", quoted_tensor_name(name), shape_text(shape));
}

std::string misshapen_tensor(const std::string& name, TensorShape expected, TensorShape got) {
  return fmt::format("{} must be {}, got {}", quoted_tensor_name(name), shape_text(expected),
                     shape_text(got));
}

std::string unreadable_tensor(const std::string& name, const std::string& dtype) {
  return fmt::format("{} must be F32, BF16, F16 or F64, got {}", quoted_tensor_name(name), dtype);
}

std::string surplus_tensor(const std::string& name, TensorShape shape) {
  return fmt::format("{} {} is not a tensor of this model", quoted_tensor_name(name),
                     shape_text(shape));
}

void throw_not_finite(const std::string& origin, const std::string& name) {
  throw CheckpointError(
      fmt::format("{}: {} holds a number that is not finite (NaN or infinity)", origin,
                  quoted_tensor_name(name)),
      "the training diverged or the file was damaged: use an earlier checkpoint, and train on with "
      "a lower optimizer.rate");
}

std::string misfit_hint(TensorShape expected_embedding, TensorShape embedding) {
  const bool is_other_vocabulary = expected_embedding.size() == 2 && embedding.size() == 2 &&
                                   embedding[1] == expected_embedding[1] &&
                                   embedding[0] != expected_embedding[0];
  if (!is_other_vocabulary) {
    return "config and weights are not of the same model";
  }
  return fmt::format(
      "the weights are for a vocabulary of {} tokens, the config's vocab_size is {}: use the "
      "config and tokenizer that belong to the weights",
      embedding[0], expected_embedding[0]);
}

std::string listed(const std::vector<std::string>& problems) {
  const size_t count = std::min(problems.size(), kMostListed);
  std::string text = fmt::format(
      "{}",
      fmt::join(problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(count), "; "));
  if (problems.size() > count) {
    text += fmt::format("; and {} more", problems.size() - count);
  }
  return text;
}

void throw_misfits(const std::string& origin,
                   const std::vector<std::string>& problems,
                   const std::string& hint) {
  if (!problems.empty()) {
    throw CheckpointError(
        fmt::format("{}: {} {} not fit the model: {}", origin, problems.size(),
                    problems.size() == 1 ? "tensor does" : "tensors do", listed(problems)),
        hint);
  }
}

}  // namespace brt
