// SPDX-License-Identifier: Apache-2.0
// The elementwise part of attention: softmax of a row of logits, and its gradient. One set of
// functions per CPU target.
#pragma once

#include <cstdint>

#include "config/model_constants.h"
#include "kernels/bfloat16.h"

namespace brt::kernels {

/// The entry that each row has beside its keys.
constexpr float kPhantom = static_cast<float>(kPhantomLogit);

/// The visible part of one row.
struct AttentionRow {
  float* product = nullptr;     ///< q . k; overwritten
  const float* bias = nullptr;  ///< or null
  float scale = 1.0F;
  int64_t count = 0;
};

/// What the gradient of one row needs and gives.
template <class T>
struct AttentionRowGradient {
  const float* probability_gradient = nullptr;  ///< dO . v
  float log_sum = 0.0F;
  T* probability = nullptr;        ///< set
  T* logit_gradient = nullptr;     ///< set: gradient of (q . k + bias) * scale
  float* bias_gradient = nullptr;  ///< added to: the logits' gradient times scale; or null
};

/// The functions of one target.
template <class T>
struct AttentionRowFunctions {
  /// Sets the probabilities [count], returns the log of their denominator.
  float (*softmax)(const AttentionRow& row, T* probability);
  /// Returns the row's gradient of scale.
  float (*softmax_gradient)(const AttentionRow& row, const AttentionRowGradient<T>& gradient);
};

/// Those of the CPU's target (kernels/cpu_target.h).
template <class T>
const AttentionRowFunctions<T>& attention_rows();

}  // namespace brt::kernels
