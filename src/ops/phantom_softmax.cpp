// SPDX-License-Identifier: Apache-2.0
// Softmax with a phantom entry in plain ATen.
#include "ops/phantom_softmax.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>

#include "config/model_constants.h"

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
  const at::Tensor shared =
      weight / (weight.sum(-1, /*keepdim=*/true) + at::exp(kPhantomLogit - shift));
  // Chosen row by row, so that a row that sees nothing changes no bit of another lane.
  return at::where(largest.gt(-900.0), at::softmax(logits, -1), shared);
}

}  // namespace brt
