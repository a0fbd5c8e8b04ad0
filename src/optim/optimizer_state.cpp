// SPDX-License-Identifier: Apache-2.0
// Reading an optimizer's saved state: checks of names and shapes that the update rules share.
#include "optim/optimizer_state.h"

#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ATen/ops/scalar_tensor.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr const char* kUpdates = "updates";
constexpr int64_t kMostUpdates = int64_t{1} << 62;  // it goes on from there
constexpr const char* kOrigin = "optimizer state";

std::string describe(const at::Tensor& tensor) {
  return fmt::format("{} [{}]", c10::toString(tensor.scalar_type()),
                     fmt::join(tensor.sizes().begin(), tensor.sizes().end(), ", "));
}

void compare(const std::map<std::string, at::Tensor>& saved,
             const std::string& name,
             const at::Tensor& expected,
             std::vector<std::string>& problems) {
  const std::map<std::string, at::Tensor>::const_iterator found = saved.find(name);
  if (found == saved.end()) {
    problems.push_back(fmt::format("{} is missing", name));
  } else if (found->second.sizes() != expected.sizes() ||
             found->second.scalar_type() != expected.scalar_type()) {
    problems.push_back(
        fmt::format("{} must be {}, got {}", name, describe(expected), describe(found->second)));
  }
}

}  // namespace

std::map<std::string, at::Tensor> optimizer_state_map(const std::vector<StateTensor>& tensors,
                                                      int64_t updates) {
  std::map<std::string, at::Tensor> state;
  for (const StateTensor& tensor : tensors) {
    state.emplace(tensor.name, tensor.value);
  }
  state.emplace(kUpdates, at::scalar_tensor(updates, at::kLong));
  return state;
}

int64_t load_optimizer_state(const std::map<std::string, at::Tensor>& saved,
                             const std::vector<StateTensor>& tensors) {
  std::vector<std::string> problems;
  std::set<std::string> known = {kUpdates};
  compare(saved, kUpdates, at::scalar_tensor(int64_t{0}, at::kLong), problems);
  for (const StateTensor& tensor : tensors) {
    known.insert(tensor.name);
    compare(saved, tensor.name, tensor.value, problems);
  }
  if (problems.empty()) {
    const int64_t updates = saved.at(kUpdates).item<int64_t>();
    if (updates < 0 || updates > kMostUpdates) {
      problems.push_back(
          fmt::format("{} must be from 0 to {}, got {}", kUpdates, kMostUpdates, updates));
    }
  }
  for (const auto& [name, value] : saved) {
    if (!known.contains(name)) {
      problems.push_back(fmt::format("{} is not part of it", name));
    }
  }
  if (!problems.empty()) {
    throw CheckpointError(fmt::format("{}: {}", kOrigin, fmt::join(problems, "; ")),
                          "the state was saved by another optimizer or for another model");
  }
  for (const StateTensor& tensor : tensors) {
    at::Tensor target = tensor.value;
    target.copy_(saved.at(tensor.name));
  }
  return saved.at(kUpdates).item<int64_t>();
}

}  // namespace brt
