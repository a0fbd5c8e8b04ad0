// SPDX-License-Identifier: Apache-2.0
// Attention without positions: tokens over states, states over states, states over tokens.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "ops/fused_attention.h"
#include "ops/visible_keys.h"

namespace brt {

/// out_i = sum_j softmax_j(q_i . k_j * |scale|) v_j, with a phantom logit of -1000.
///
/// model.md, "The recurrent layer": no bias, no causal mask.
/// @param query_BRHK   R queries
/// @param keys_BJHK    J keys
/// @param values_BJHK  values, as keys; of any head size
/// @param scale_H      learned scale; undefined: 1
/// @param visible      which keys lanes with an empty cache do not see; without a window
/// @return out_BRHK of the queries' dtype and the values' head size; zero where a lane's keys are
/// all hidden.
/// @throws ShapeError if sizes, dtypes or devices disagree. Gradient to every floating argument.
/// Softmax in float32 (float64 for float64 input). Operands of several dtypes as in
/// window_attention.
at::Tensor cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const VisibleKeys& visible = {});

/// cross_attention in plain ATen: the definition, and what runs in float64, for few queries, and on
/// other devices.
at::Tensor cross_attention_reference(const at::Tensor& query_BRHK,
                                     const at::Tensor& keys_BJHK,
                                     const at::Tensor& values_BJHK,
                                     const at::Tensor& scale_H,
                                     const VisibleKeys& visible = {});

/// What the kernels are called with, where they can compute this.
/// @throws as cross_attention
std::optional<FusedAttentionCall> fused_cross_attention(const at::Tensor& query_BRHK,
                                                        const at::Tensor& keys_BJHK,
                                                        const at::Tensor& values_BJHK,
                                                        const at::Tensor& scale_H,
                                                        const VisibleKeys& visible = {});

/// The checks alone.
void check_cross_attention(const at::Tensor& query_BRHK,
                           const at::Tensor& keys_BJHK,
                           const at::Tensor& values_BJHK,
                           const at::Tensor& scale_H,
                           const VisibleKeys& visible = {});

}  // namespace brt
