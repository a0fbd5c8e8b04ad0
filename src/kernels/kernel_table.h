// SPDX-License-Identifier: Apache-2.0
// The functions of one CPU target. target_TARGET.cpp fills a table of them; kernels/*.cpp check
// what they are called with and pass it on to the table in use.
#pragma once

#include <cstdint>

#include "kernels/attention_rows.h"
#include "kernels/bfloat16.h"
#include "kernels/gates.h"
#include "kernels/int8_matmul.h"
#include "kernels/int8_rows.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "kernels/rms_norm.h"
#include "kernels/softmax_gradient.h"
#include "kernels/unit_length.h"

namespace brt::kernels {

/// Those that take or give operands of products of type T.
template <class T>
struct TypedKernels {
  /// A function of rows or elements [begin, end).
  template <class Args>
  using OfRange = void (*)(const Args& args, int64_t begin, int64_t end);

  void (*matmul)(const MatmulArgs<T>& args);
  /// Of a transposed left operand; null, or false and nothing done, where it is to be packed first.
  bool (*transposed_matmul)(const MatmulArgs<T>& args);
  OfRange<PackArgs<T, T>> pack_rows;
  OfRange<PackArgs<T, T>> pack_columns;
  OfRange<PackArgs<float, T>> pack_rounded_rows;
  OfRange<PackArgs<float, T>> pack_rounded_columns;
  void (*transpose)(const TransposeArgs<T>& args);
  void (*round_row)(const float* x, T* out, int64_t count);
  AttentionRowFunctions<T> attention_rows;
  void (*softmax_gradient)(const SoftmaxGradientArgs<T>& args);
  OfRange<RmsNormArgs<T>> rms_norm;
  OfRange<RmsNormBackwardArgs<T>> rms_norm_backward;
  OfRange<UnitLengthArgs<T>> unit_length;
  OfRange<UnitLengthBackwardArgs<T>> unit_length_backward;
  OfRange<FixedGateArgs<T>> fixed_gate;
  OfRange<FixedGateBackwardArgs<T>> fixed_gate_backward;
  OfRange<LstmGateArgs<T>> lstm_gate;
  OfRange<LstmGateBackwardArgs<T>> lstm_gate_backward;
};

struct KernelTable {
  TypedKernels<float> of_float;
  TypedKernels<Bfloat16> of_bfloat16;
  void (*softmax_sums)(const SoftmaxSumArgs& args);
  void (*quantize_rows)(const QuantizeRowsArgs& args, int64_t begin, int64_t end);
  void (*matmul_int8)(const MatmulInt8Args& args);
  uint64_t (*word_sum)(const uint64_t* words, int64_t lines);
};

/// The table of kernels/cpu_target.h's target.
const KernelTable& kernel_table();

/// Its part for operands of type T.
template <class T>
const TypedKernels<T>& kernels_of();
template <>
inline const TypedKernels<float>& kernels_of<float>() {
  return kernel_table().of_float;
}
template <>
inline const TypedKernels<Bfloat16>& kernels_of<Bfloat16>() {
  return kernel_table().of_bfloat16;
}

// One function a target, in target_TARGET.cpp.
const KernelTable& kernels_scalar();
const KernelTable& kernels_portable256();  // as kernels_scalar, bit for bit; likewise the next
const KernelTable& kernels_portable512();
const KernelTable& kernels_avx2();
const KernelTable& kernels_avx2vnni();
const KernelTable& kernels_avx512();
const KernelTable& kernels_avx512vnni();
const KernelTable& kernels_avx512bf16();
const KernelTable& kernels_amx();
const KernelTable& kernels_neon();

}  // namespace brt::kernels
