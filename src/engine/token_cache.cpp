// SPDX-License-Identifier: Apache-2.0
// Keys and values of single tokens into the panels of a cache.
#include "engine/token_cache.h"

#include <vector>

#include "engine/attention_vectors.h"
#include "engine/panel_cache.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::Bfloat16;

template <class T>
void append_token(const StreamHead& to,
                  int64_t position,
                  const float* key_K,
                  const float* value_K,
                  const RotaryTable* rotary,
                  const VectorScratch<T>& scratch) {
  const ModelConfig& config = StateAccess::layout(to.state)->config;
  const int64_t head_size = config.head_size;
  T* keys = StateAccess::keys<T>(to, kCurrentBlock);
  make_key(config, key_K, scratch.vector_K);
  kernels::round_row(scratch.vector_K, scratch.rounded_K, head_size);
  write_key(keys, head_size, position, scratch.rounded_K);
  if (rotary != nullptr) {
    read_key(keys, head_size, position, scratch.vector_K);
    rotary->rotate(scratch.vector_K, position, scratch.rotated_K);
    kernels::round_row(scratch.rotated_K, scratch.rounded_K, head_size);
    write_key(StateAccess::rotated_keys<T>(to, kCurrentBlock), head_size, position,
              scratch.rounded_K);
  }
  kernels::round_row(value_K, scratch.rounded_K, head_size);
  write_value(StateAccess::values<T>(to, kCurrentBlock), head_size, config.window, position,
              scratch.rounded_K);
}

template <class T>
void rotate_cached_keys(StreamState& state, const RotaryTable& rotary) {
  const ModelConfig& config = StateAccess::layout(state)->config;
  const int64_t head_size = config.head_size;
  std::vector<float> key_K(static_cast<size_t>(head_size));
  std::vector<float> rotated_K(static_cast<size_t>(head_size));
  std::vector<T> rounded_K(static_cast<size_t>(head_size));
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    for (int64_t head = 0; head < config.num_heads; ++head) {
      for (const int64_t block : {kCurrentBlock, kPreviousBlock}) {
        const StreamHead of = {state, layer, head};
        for (int64_t position = 0; position < config.window; ++position) {
          read_key(StateAccess::keys<T>(of, block), head_size, position, key_K.data());
          rotary.rotate(key_K.data(), position, rotated_K.data());
          kernels::round_row(rotated_K.data(), rounded_K.data(), head_size);
          write_key(StateAccess::rotated_keys<T>(of, block), head_size, position, rounded_K.data());
        }
      }
    }
  }
}

template void append_token(const StreamHead&,
                           int64_t,
                           const float*,
                           const float*,
                           const RotaryTable*,
                           const VectorScratch<float>&);
template void append_token(const StreamHead&,
                           int64_t,
                           const float*,
                           const float*,
                           const RotaryTable*,
                           const VectorScratch<Bfloat16>&);
template void rotate_cached_keys<float>(StreamState&, const RotaryTable&);
template void rotate_cached_keys<Bfloat16>(StreamState&, const RotaryTable&);

}  // namespace brt
