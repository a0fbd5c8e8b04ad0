// SPDX-License-Identifier: Apache-2.0
// The T5 relative position bias of token self-attention.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "ops/causal_window_mask.h"

namespace brt {

/// bias[h, w] = table[h, bucket(W - w)]: the bias of the w-th key that a token sees, oldest first.
///
/// Every token sees the W keys before it, at distances W to 1, so one row per head serves all.
/// @param table_HU  one row of buckets per head  @return [H, W]. Gradient to the table.
at::Tensor position_bias(const at::Tensor& table_HU, int64_t window, int64_t max_distance);

/// bias[h, i, j] of row i and key j of a block's window, from bias_HW: [H, rows, keys]. Entries
/// that the causal band hides hold some visible key's value. Gradient to bias_HW.
at::Tensor bias_of_pairs(const at::Tensor& bias_HW, const BlockRows& rows);

}  // namespace brt
