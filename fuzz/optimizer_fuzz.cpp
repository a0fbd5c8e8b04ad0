// SPDX-License-Identifier: Apache-2.0
// Any file is an optimizer.safetensors or gives a brt::Error; state that does not fit leaves the
// optimizer's as it was, and what was read is saved again alike.
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>

#include "base/error.h"
#include "fuzz_input.h"
#include "fuzz_tensors.h"
#include "memory_file.h"
#include "optim/optimizer_state.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

constexpr float kBefore = 0.5F;

std::vector<StateTensor> state_tensors() {
  std::vector<StateTensor> tensors;
  for (const FuzzTensor& moment : fuzz_moments()) {
    tensors.push_back({moment.name, at::full(moment.shape, kBefore, at::kFloat)});
  }
  return tensors;
}

bool has_same_bytes(const at::Tensor& one, const at::Tensor& other) {
  return one.nbytes() == other.nbytes() &&
         std::memcmp(one.const_data_ptr(), other.const_data_ptr(), one.nbytes()) == 0;
}

void require_as_before(const std::vector<StateTensor>& tensors) {
  for (const StateTensor& tensor : tensors) {
    require_of_parser(has_same_bytes(tensor.value, at::full_like(tensor.value, kBefore)));
  }
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const brt::MemoryFile file(
      brt::tensor_file_of(brt::input_text(data, size), brt::fuzz_optimizer_state()));
  const std::vector<brt::StateTensor> tensors = brt::state_tensors();
  try {
    const brt::TensorMap saved = brt::load_safetensors(file.path()).tensors;
    const int64_t updates = brt::load_optimizer_state(saved, tensors);
    brt::require_of_parser(updates >= 0);
    for (const auto& [name, value] : brt::optimizer_state_map(tensors, updates)) {
      brt::require_of_parser(brt::has_same_bytes(value, saved.at(name)));
    }
  } catch (const brt::Error&) {
    brt::require_as_before(tensors);
  }
  return 0;
}
