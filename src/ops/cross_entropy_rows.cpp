// SPDX-License-Identifier: Apache-2.0
// A few rows with the whole table, a tile of logits after the other.
#include "ops/cross_entropy_rows.h"

#include <algorithm>
#include <cmath>

#include "kernels/matmul.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::MatmulOutput;

template <class T>
CrossEntropyRows<T>::CrossEntropyRows(const CrossEntropyProblem& problem,
                                      const CrossEntropyResults& results,
                                      const CrossEntropyPlan& plan,
                                      const PackedTable<T>& table,
                                      const CrossEntropyChunk<T>& chunk)
    : problem_(problem),
      results_(results),
      plan_(plan),
      table_(table),
      chunk_(chunk),
      scale_(problem.scale()),
      logits_(num_slots(), plan.task_rows * plan.logits_stride),
      hidden_sums_(num_slots(), plan.with_gradient ? plan.task_rows * problem.width : 0) {}

template <class T>
void CrossEntropyRows<T>::run(const TaskRows& rows, int64_t slot) const {
  const T* hidden = round_hidden(rows);
  float* logits = logits_.of(slot);
  kernels::SoftmaxSum sums[kMostTaskRows];
  double* nats = results_.nats + rows.chunk_begin + rows.from;
  compute_logits(rows, hidden, logits, sums, nats);
  if (plan_.with_gradient) {
    compute_gradients(rows, {logits, sums, nats}, hidden_sums_.of(slot));
  }
}

/// The rows in the products' type, in their place of the chunk.
template <class T>
const T* CrossEntropyRows<T>::round_hidden(const TaskRows& rows) const {
  const int64_t* indices = indices_of(rows);
  const int64_t width = problem_.width;
  T* hidden = chunk_.hidden.data() + rows.from * width;
  for (int64_t r = 0; r < rows.count; ++r) {
    kernels::round_row(problem_.hidden + indices[r] * width, hidden + r * width, width);
  }
  return hidden;
}

/// Logits before the scale, their softmax's sums, and the rows' nats.
template <class T>
void CrossEntropyRows<T>::compute_logits(const TaskRows& rows,
                                         const T* hidden,
                                         float* logits,
                                         kernels::SoftmaxSum* sums,
                                         double* nats) const {
  const int64_t* indices = indices_of(rows);
  const int64_t width = problem_.width;
  float target_logits[kMostTaskRows];
  for (int64_t column = 0; column < problem_.vocab_size; column += plan_.tile_columns) {
    const int64_t columns = std::min(plan_.tile_columns, problem_.vocab_size - column);
    float* tile = plan_.with_gradient ? logits + column : logits;
    kernels::matmul(kernels::MatmulArgs<T>{.left = hidden,
                                           .left_stride = width,
                                           .panels = table_.for_logits(column),
                                           .out = tile,
                                           .out_stride = plan_.logits_stride,
                                           .rows = rows.count,
                                           .columns = columns,
                                           .depth = width,
                                           .output = MatmulOutput::kStoreFloat});
    kernels::softmax_sums({.logits = tile,
                           .logits_stride = plan_.logits_stride,
                           .rows = rows.count,
                           .columns = columns,
                           .scale = static_cast<float>(scale_),
                           .sums = sums});
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t index = problem_.target[indices[r]] - column;
      if (index >= 0 && index < columns) {
        target_logits[r] = tile[r * plan_.logits_stride + index];
      }
    }
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    const double below = static_cast<double>(sums[r].maximum) - target_logits[r];
    nats[r] = below * scale_ + std::log(sums[r].sum);
  }
}

/// The logits' gradient and the hidden gradient it gives, a block of the table at a time.
template <class T>
void CrossEntropyRows<T>::compute_gradients(const TaskRows& rows,
                                            const Softmax& softmax,
                                            float* hidden_sums) const {
  const int64_t* indices = indices_of(rows);
  const int64_t width = problem_.width;
  float factors[kMostTaskRows];
  for (int64_t r = 0; r < rows.count; ++r) {
    factors[r] = static_cast<float>(problem_.weight[indices[r]] * scale_);
  }
  for (int64_t entry = 0; entry < problem_.vocab_size; entry += kDepthBlock) {
    const int64_t entries = std::min(kDepthBlock, problem_.vocab_size - entry);
    kernels::softmax_gradient(kernels::SoftmaxGradientArgs<T>{.logits = softmax.logits + entry,
                                                              .logits_stride = plan_.logits_stride,
                                                              .sums = softmax.sums,
                                                              .factors = factors,
                                                              .out = gradient_of(rows, entry),
                                                              .out_stride = plan_.gradient_stride,
                                                              .rows = rows.count,
                                                              .columns = entries,
                                                              .scale = static_cast<float>(scale_)});
    subtract_targets(rows, factors, softmax.nats, entry, entries);
    kernels::matmul(kernels::MatmulArgs<T>{
        .left = gradient_of(rows, entry),
        .left_stride = plan_.gradient_stride,
        .panels = table_.for_gradient(entry),
        .out = hidden_sums,
        .out_stride = width,
        .rows = rows.count,
        .columns = width,
        .depth = entries,
        .output = entry == 0 ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat});
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    std::copy_n(hidden_sums + r * width, width, results_.hidden_gradient + indices[r] * width);
  }
}

/// d loss / d logits before the scale = (softmax - one_hot(target)) weight / sqrt(D), where the
/// target is among the block's entries.
template <class T>
void CrossEntropyRows<T>::subtract_targets(const TaskRows& rows,
                                           const float* factors,
                                           const double* nats,
                                           int64_t entry,
                                           int64_t entries) const {
  const int64_t* indices = indices_of(rows);
  T* gradient = gradient_of(rows, entry);
  for (int64_t r = 0; r < rows.count; ++r) {
    const int64_t index = problem_.target[indices[r]] - entry;
    if (index >= 0 && index < entries) {
      // softmax[target] - 1, rounded to T once
      const float value =
          static_cast<float>(std::expm1(-nats[r]) * static_cast<double>(factors[r]));
      kernels::from_float(value, gradient[r * plan_.gradient_stride + index]);
    }
  }
}

template class CrossEntropyRows<float>;
template class CrossEntropyRows<kernels::Bfloat16>;

}  // namespace brt
