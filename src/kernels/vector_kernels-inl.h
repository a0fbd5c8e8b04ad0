// SPDX-License-Identifier: Apache-2.0
// The table of a target whose kernels are written over a vector type (kernels/lane_vector-inl.h).
#pragma once

#include "kernels/attention_rows-inl.h"
#include "kernels/gates-inl.h"
#include "kernels/int8_matmul-inl.h"
#include "kernels/int8_rows-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/matmul_vectors-inl.h"
#include "kernels/matmul_widened-inl.h"
#include "kernels/rms_norm-inl.h"
#include "kernels/rounding-inl.h"
#include "kernels/softmax_gradient-inl.h"
#include "kernels/unit_length-inl.h"
#include "kernels/word_sum-inl.h"

namespace brt::kernels {
namespace {

/// A product with the micro-kernel Micro (kernels/matmul-inl.h).
template <class Micro, class T>
void matmul_by(const MatmulArgs<T>& args) {
  blocked_matmul(args, panel_product<Micro, T>);
}

/// All but what packs.
template <class Vector, class T>
constexpr TypedKernels<T> typed_kernels() {
  TypedKernels<T> kernels = {};
  if constexpr (VectorMicro<Vector>::kGroupVectors == kPanelVectors) {
    kernels.matmul = matmul_by<VectorMicro<Vector>, T>;
  } else {
    kernels.matmul = widened_matmul<Vector, T>;
    kernels.transposed_matmul = widened_transposed_matmul<Vector, T>;
  }
  kernels.round_row = round_elements<Vector, T>;
  kernels.attention_rows = row_functions<Vector, T>();
  kernels.softmax_gradient = softmax_gradient_loop<Vector, T>;
  kernels.rms_norm = rms_norm_rows<Vector, T>;
  kernels.rms_norm_backward = rms_norm_backward_rows<Vector, T>;
  kernels.unit_length = unit_length_rows<Vector, T>;
  kernels.unit_length_backward = unit_length_backward_rows<Vector, T>;
  kernels.fixed_gate = fixed_gate_rows<Vector, T>;
  kernels.fixed_gate_backward = fixed_gate_backward_rows<Vector, T>;
  kernels.lstm_gate = lstm_gate_elements<Vector, T>;
  kernels.lstm_gate_backward = lstm_gate_backward_elements<Vector, T>;
  return kernels;
}

/// All but what packs; Int8Micro is of kernels/int8_matmul-inl.h.
template <class Vector, class Int8Micro>
constexpr KernelTable vector_kernels() {
  KernelTable table = {};
  table.of_float = typed_kernels<Vector, float>();
  table.of_bfloat16 = typed_kernels<Vector, Bfloat16>();
  table.softmax_sums = softmax_sums_loop<Vector>;
  table.quantize_rows = quantize_each_row;
  table.matmul_int8 = blocked_matmul_int8<Int8Micro>;
  table.word_sum = sum_of_words;
  return table;
}

}  // namespace
}  // namespace brt::kernels
