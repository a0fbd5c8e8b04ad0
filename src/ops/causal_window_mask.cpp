// SPDX-License-Identifier: Apache-2.0
// The band of keys by their distance.
#include "ops/causal_window_mask.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

namespace brt {

at::Tensor key_distances(const BlockRows& rows, at::Device device) {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kLong).device(device);
  const int64_t first = rows.window + rows.first_row;
  const at::Tensor query = at::arange(first, first + rows.rows, options);
  return query.unsqueeze(1) - at::arange(rows.keys(), options).unsqueeze(0);
}

at::Tensor causal_window_mask(const BlockRows& rows, at::Device device) {
  const at::Tensor distance = key_distances(rows, device);
  return distance.lt(1).logical_or(distance.gt(rows.window));
}

}  // namespace brt
