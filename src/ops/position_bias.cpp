// SPDX-License-Identifier: Apache-2.0
// T5 buckets, the bias they give, and the causal band.
#include "ops/position_bias.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/tensor.h>

#include "config/position_bucket.h"
#include "ops/shape_check.h"

namespace brt {
namespace {

/// W + i - j for every row i and key j, int64 [rows, keys].
at::Tensor distances(const BlockRows& rows, at::Device device) {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kLong).device(device);
  const int64_t first = rows.window + rows.first_row;
  const at::Tensor query = at::arange(first, first + rows.rows, options);
  return query.unsqueeze(1) - at::arange(rows.keys(), options).unsqueeze(0);
}

}  // namespace

at::Tensor position_bias(const at::Tensor& table_HU, int64_t window, int64_t max_distance) {
  check_shape("position_bias", "table_HU", table_HU, {-1, -1});
  const std::vector<int64_t> buckets = window_buckets(window, table_HU.size(1), max_distance);
  const at::Tensor bucket_W = at::tensor(buckets, at::kLong).to(table_HU.device());
  // embedding, since its gradient adds up many equal indices fast; index_select's does not.
  return at::embedding(table_HU.t(), bucket_W).t();
}

at::Tensor bias_of_pairs(const at::Tensor& bias_HW, const BlockRows& rows) {
  check_shape("bias_of_pairs", "bias_HW", bias_HW, {-1, rows.window});
  // Distances outside [1, W] are hidden by the band; any visible key does for them.
  const at::Tensor place_RJ = rows.window - distances(rows, bias_HW.device()).clamp(1, rows.window);
  return at::embedding(bias_HW.t(), place_RJ).permute({2, 0, 1});
}

at::Tensor causal_window_mask(const BlockRows& rows, at::Device device) {
  const at::Tensor distance = distances(rows, device);
  return distance.lt(1).logical_or(distance.gt(rows.window));
}

}  // namespace brt
