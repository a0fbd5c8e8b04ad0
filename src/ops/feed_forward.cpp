// SPDX-License-Identifier: Apache-2.0
// The feed-forward network: its two projections one after the other, or the fused form.
#include "ops/feed_forward.h"

#include "ops/feed_forward_autograd.h"
#include "ops/linear.h"
#include "ops/shape_check.h"

namespace brt {

at::Tensor feed_forward_add(const at::Tensor& residual,
                            const at::Tensor& x,
                            const WeightRef& up,
                            const WeightRef& down,
                            at::ScalarType dtype) {
  check_shape("feed_forward_add", "up", up.weight, {-1, x.size(-1)});
  check_shape("feed_forward_add", "down", down.weight, {residual.size(-1), up.weight.size(0)});
  if (is_feed_forward_fused(residual, x, up.weight, down.weight, dtype)) {
    return fused_feed_forward(residual, x.to(dtype), up, down);
  }
  return linear_add(residual, linear_relu(x, up, dtype), down, dtype);
}

}  // namespace brt
