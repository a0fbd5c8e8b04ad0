// SPDX-License-Identifier: Apache-2.0
// Queries, keys and values of one dtype.
#pragma once

#include <ATen/core/Tensor.h>

namespace brt {

struct AttentionOperands {
  at::Tensor query, keys, values;
};

/// The three as they are if they share a dtype; else in the one that holds the numbers of all, as
/// sums of LibTorch do: float32 for bfloat16 beside float32 (autocast makes such) or float16.
AttentionOperands in_one_dtype(const at::Tensor& query,
                               const at::Tensor& keys,
                               const at::Tensor& values);

}  // namespace brt
