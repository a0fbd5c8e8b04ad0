// SPDX-License-Identifier: Apache-2.0
// Unit length, or the plain scale.
#include "engine/attention_vectors.h"

#include <cmath>

#include "config/model_constants.h"
#include "kernels/unit_length.h"

namespace brt {
namespace {

void make_vector(const ModelConfig& config, const float* x_K, float plain_scale, float* out_K) {
  if (config.unit_attention) {
    kernels::UnitLengthArgs<float> args;
    args.x = x_K;
    args.out = out_K;
    args.width = config.head_size;
    args.epsilon = static_cast<float>(kNormEpsilon);
    kernels::unit_length(args, 0, 1);
    return;
  }
  for (int64_t k = 0; k < config.head_size; ++k) {
    out_K[k] = x_K[k] * plain_scale;
  }
}

}  // namespace

void make_key(const ModelConfig& config, const float* x_K, float* out_K) {
  make_vector(config, x_K, 1.0F, out_K);
}

void make_query(const ModelConfig& config, const float* x_K, float* out_K) {
  make_vector(config, x_K, 1.0F / std::sqrt(static_cast<float>(config.head_size)), out_K);
}

}  // namespace brt
