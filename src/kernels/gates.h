// SPDX-License-Identifier: Apache-2.0
// The gates of the recurrent cell, and their gradients.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace brt::kernels {

/// out[r, d] = state[r, d] keep[d] + candidate[r, d] (1 - keep[d])
///
/// model.md, "Gates", fixed. T is float or Bfloat16; all else is float32. Rows are contiguous;
/// nothing that is written may overlap what is read. The same holds for all gates here.
template <class T>
struct FixedGateArgs {
  const float* state = nullptr;  ///< [rows, width]
  const T* candidate = nullptr;  ///< [rows, width]
  const float* keep = nullptr;   ///< [width], in (0, 1)
  float* out = nullptr;          ///< [rows, width]
  int64_t width = 0;
};

/// Rows [begin, end).
void fixed_gate(const FixedGateArgs<float>& args, int64_t begin, int64_t end);
void fixed_gate(const FixedGateArgs<Bfloat16>& args, int64_t begin, int64_t end);

///   state_gradient     = out_gradient keep
///   candidate_gradient = out_gradient (1 - keep)
///   keep_gradient[d]  += sum_r out_gradient[r, d] (state[r, d] - candidate[r, d])
///
/// The sum takes rows in ascending order.
template <class T>
struct FixedGateBackwardArgs {
  const float* out_gradient = nullptr;  ///< [rows, width]
  const float* state = nullptr;         ///< [rows, width]
  const T* candidate = nullptr;         ///< [rows, width]
  const float* keep = nullptr;          ///< [width]
  float* state_gradient = nullptr;      ///< [rows, width]
  T* candidate_gradient = nullptr;      ///< [rows, width]
  float* keep_gradient = nullptr;  ///< [width]; the caller's, one per range that runs at a time
  int64_t width = 0;
};

/// Rows [begin, end).
void fixed_gate_backward(const FixedGateBackwardArgs<float>& args, int64_t begin, int64_t end);
void fixed_gate_backward(const FixedGateBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end);

/// out = state f + candidate i,  i = sigmoid(input - 1),  f = sigmoid(forget + 1), per element.
///
/// model.md, "Gates", lstm.
template <class T>
struct LstmGateArgs {
  const float* state = nullptr;   ///< [size]
  const T* candidate = nullptr;   ///< [size]
  const float* input = nullptr;   ///< [size]
  const float* forget = nullptr;  ///< [size]
  float* out = nullptr;           ///< [size]
};

/// Elements [begin, end).
void lstm_gate(const LstmGateArgs<float>& args, int64_t begin, int64_t end);
void lstm_gate(const LstmGateArgs<Bfloat16>& args, int64_t begin, int64_t end);

///   state_gradient     = out_gradient f
///   candidate_gradient = out_gradient i
///   input_gradient     = out_gradient candidate i (1 - i)
///   forget_gradient    = out_gradient state f (1 - f)
///
/// The sigmoids are computed again: cheaper than to keep them.
template <class T>
struct LstmGateBackwardArgs {
  const float* out_gradient = nullptr;  ///< [size]
  const float* state = nullptr;         ///< [size]
  const T* candidate = nullptr;         ///< [size]
  const float* input = nullptr;         ///< [size]
  const float* forget = nullptr;        ///< [size]
  float* state_gradient = nullptr;      ///< [size]
  T* candidate_gradient = nullptr;      ///< [size]
  float* input_gradient = nullptr;      ///< [size]
  float* forget_gradient = nullptr;     ///< [size]
};

/// Elements [begin, end).
void lstm_gate_backward(const LstmGateBackwardArgs<float>& args, int64_t begin, int64_t end);
void lstm_gate_backward(const LstmGateBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end);

}  // namespace brt::kernels
