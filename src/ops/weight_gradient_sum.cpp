// SPDX-License-Identifier: Apache-2.0
// The gradients of a group of weights, gathered over their uses.
#include "ops/weight_gradient_sum.h"

#include <utility>

namespace brt {
namespace {

/// A part of a sum is read and written once for as many rows. What waits is two operands of so many
/// rows, in bfloat16 8 MiB at a width of 1024.
constexpr int64_t kMostWaitingRows = 2048;

}  // namespace

void WeightGradientSum::add(WeightGradientTerm term) {
  waiting_rows_ += term.x_RI.size(0);
  waiting_.push_back(std::move(term));
  if (waiting_rows_ >= kMostWaitingRows) {
    add_waiting();
  }
}

std::vector<at::Tensor> WeightGradientSum::take() {
  add_waiting();
  std::vector<at::Tensor> gradients_OI(sums_.size());
  gradients_OI.swap(sums_);
  for (at::Tensor& gradient_OI : gradients_OI) {
    if (form_ == Form::kTransposed && gradient_OI.defined()) {
      gradient_OI = transposed_copy(gradient_OI);
    }
  }
  return gradients_OI;
}

void WeightGradientSum::add_waiting() {
  if (!waiting_.empty()) {
    add_weight_gradients(waiting_, sums_);
  }
  waiting_.clear();
  waiting_rows_ = 0;
}

}  // namespace brt
