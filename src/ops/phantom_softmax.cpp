// SPDX-License-Identifier: Apache-2.0
// Softmax with a phantom entry in plain ATen.
#include "ops/phantom_softmax.h"

#include <ATen/ops/amax.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/softmax.h>

namespace brt {

at::Tensor phantom_softmax(const at::Tensor& logits) {
  if (logits.numel() == 0) {
    return logits;
  }
  const at::Tensor largest = at::amax(logits.detach(), {-1}, /*keepdim=*/true);
  // exp(-1000 + 900) is below the rounding of any sum that holds a 1, in float64 too.
  if (largest.min().item<double>() > -900.0) {
    return at::softmax(logits, -1);
  }
  const at::Tensor shift = largest.clamp_min(kPhantomLogit);
  const at::Tensor weight = at::exp(logits - shift);
  return weight / (weight.sum(-1, /*keepdim=*/true) + at::exp(kPhantomLogit - shift));
}

}  // namespace brt
