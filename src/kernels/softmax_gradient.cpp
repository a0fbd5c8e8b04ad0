// SPDX-License-Identifier: Apache-2.0
// The choice of the softmax's target.
#include "kernels/softmax_gradient.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

void check(const SoftmaxSumArgs& args) {
  BRT_ASSERT(is_matrix(args.logits, args.rows, args.columns, args.logits_stride));
  BRT_ASSERT(is_array(args.sums, args.rows));
  BRT_ASSERT(args.scale > 0.0F);
}

template <class T>
void check(const SoftmaxGradientArgs<T>& args) {
  BRT_ASSERT(is_matrix(args.logits, args.rows, args.columns, args.logits_stride));
  BRT_ASSERT(is_matrix(args.out, args.rows, args.columns, args.out_stride));
  BRT_ASSERT(is_array(args.sums, args.rows));
  BRT_ASSERT(is_array(args.factors, args.rows));
}

}  // namespace

void softmax_sums(const SoftmaxSumArgs& args) {
  check(args);
  kernel_table().softmax_sums(args);
}

void softmax_gradient(const SoftmaxGradientArgs<float>& args) {
  check(args);
  kernel_table().of_float.softmax_gradient(args);
}

void softmax_gradient(const SoftmaxGradientArgs<Bfloat16>& args) {
  check(args);
  kernel_table().of_bfloat16.softmax_gradient(args);
}

}  // namespace brt::kernels
