// SPDX-License-Identifier: Apache-2.0
// Estimates in float64, since products of sizes from outside may pass 64 bits; numbers are taken as
// float32, the widest in use.
#include "config/model_memory.h"

namespace brt {
namespace {

constexpr double kNumber = sizeof(float);
constexpr double kTileRows = 64;  // whose logits attention holds at a time

double number(int64_t size) { return static_cast<double>(size); }

/// Of all recurrent layers; without one num_states says nothing.
double states_numbers(const ModelConfig& config) {
  const double of_layer =
      number(config.num_states) * (number(config.width) + number(heads_width(config)));
  return number(static_cast<int64_t>(config.recurrent_layers.size())) * of_layer;
}

/// Keys and values of every layer.
double cached_numbers(const ModelConfig& config, int64_t tokens) {
  return number(config.num_layers) * 2 * number(tokens) * number(heads_width(config));
}

}  // namespace

double document_bytes(const ModelConfig& config) {
  const double window = number(config.window);
  const bool has_bias = config.position == PositionType::kT5;
  const double bias =
      has_bias ? number(config.num_layers) * number(config.num_heads) * window : 0.0;
  const double logits = kTileRows * 2 * window;
  return kNumber * (cached_numbers(config, 2 * config.window) + bias + logits +
                    states_numbers(config) + number(config.vocab_size));
}

double segment_bytes(const ModelConfig& config) {
  // Input, norm, residual and their sum; queries, keys, values and what attention gives, twice
  // with states; hidden units.
  const double activations =
      4 * number(config.width) + 8 * number(heads_width(config)) + number(config.ffn_width);
  return kNumber * (cached_numbers(config, config.window) + states_numbers(config) +
                    number(config.segment) * activations);
}

}  // namespace brt
