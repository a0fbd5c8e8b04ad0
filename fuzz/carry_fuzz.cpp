// SPDX-License-Identifier: Apache-2.0
// Any file is a carry.safetensors or gives a brt::Error; a carry that was read has the model's
// shapes and kinds of numbers, and can be copied, cut into lanes and joined.
#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "base/error.h"
#include "fuzz_input.h"
#include "fuzz_model_config.h"
#include "fuzz_tensors.h"
#include "memory_file.h"
#include "model/carry.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

void require_sound(const Carry& carry) {
  const ModelConfig config = fuzz_config();
  const int64_t tokens = carry.tokens_in_block(config);
  require_of_parser(tokens >= 0 && tokens < config.window);
  require_of_parser(static_cast<int64_t>(carry.layers.size()) == config.num_layers);
  for (const LayerCarry& layer : carry.layers) {
    require_of_parser(layer.keys_BMHK.is_floating_point() &&
                      layer.values_BMHK.is_floating_point() && layer.state_BSD.is_floating_point());
    require_of_parser(layer.keys_BMHK.size(0) == carry.position_B.size(0));
  }
  for (int64_t lane = 0; lane < carry.position_B.size(0); ++lane) {
    require_of_parser(carry.position_B.const_data_ptr<int64_t>()[lane] >= 0);
  }
}

void use(const Carry& carry) {
  const int64_t lanes = carry.position_B.size(0);
  const Carry joined =
      join_lanes({slice_lanes(carry, 0, lanes / 2), slice_lanes(carry, lanes / 2, lanes)});
  require_sound(joined);
  require_sound(with_zero_state(clone(detach(carry))));
  require_sound(carry_from_tensors(fuzz_config(), joined.tensors()));
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const brt::MemoryFile file(brt::tensor_file_of(brt::input_text(data, size), brt::fuzz_carry()));
  try {
    const brt::Carry carry =
        brt::carry_from_tensors(brt::fuzz_config(), brt::load_safetensors(file.path()).tensors);
    brt::require_sound(carry);
    brt::use(carry);
  } catch (const brt::Error&) {
  }
  return 0;
}
