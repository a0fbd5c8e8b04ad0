// SPDX-License-Identifier: Apache-2.0
// T5 buckets and the bias they give.
#include "ops/position_bias.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/tensor.h>

#include "config/position_bucket.h"
#include "ops/shape_check.h"

namespace brt {

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
  const at::Tensor index_RJ =
      rows.window - key_distances(rows, bias_HW.device()).clamp(1, rows.window);
  return at::embedding(bias_HW.t(), index_RJ).permute({2, 0, 1});
}

}  // namespace brt
