// SPDX-License-Identifier: Apache-2.0
// The bound, in float64 since products of sizes may pass 64 bits, beside the memory.
#include "train/memory_check.h"

#include <fmt/format.h>

#include "base/divide_up.h"
#include "base/error.h"
#include "config/model_config.h"

namespace brt {
namespace {

double number(int64_t size) { return static_cast<double>(size); }
double gibibytes(double bytes) { return bytes / 0x1p30; }

/// Of weights in float32 and their gradients.
double weight_bytes(const ModelConfig& config) {
  return 2 * sizeof(float) * number(count_parameters(config));
}

/// Of one token in one lane: the residual stream, its norms, queries, keys, values and what
/// attention gives, hidden units; only the first where layers are computed again in backward.
double token_bytes(const RunConfig& config) {
  const ModelConfig& model = config.model;
  const double heads = number(model.num_heads) * number(model.head_size);
  const double numbers = config.train.recompute
                             ? number(model.width)
                             : 2 * number(model.width) + 4 * heads + number(model.ffn_width);
  const double bytes_per_number = config.train.dtype == DType::kBf16 ? 2.0 : 4.0;
  return number(model.num_layers) * numbers * bytes_per_number;
}

}  // namespace

void check_training_memory(const RunConfig& config, int64_t memory) {
  const int64_t lanes = divide_up(config.train.lanes, config.train.accumulation);
  const double weights = weight_bytes(config.model);
  const double activations = number(lanes) * number(config.model.segment) * token_bytes(config);
  if (weights + activations <= number(memory)) {
    return;
  }
  const bool is_wide = weights > activations;
  throw ConfigError(
      fmt::format(
          "training takes at least {:.1f} GiB ({:.1f} of weights with their gradients, {:.1f} "
          "of activations), more than the {:.1f} GiB of this machine",
          gibibytes(weights + activations), gibibytes(weights), gibibytes(activations),
          gibibytes(number(memory))),
      is_wide ? "a smaller model.size, or fewer or narrower layers"
              : "fewer train.lanes, more train.accumulation, or a shorter model.segment");
}

}  // namespace brt
