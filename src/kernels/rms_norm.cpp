// SPDX-License-Identifier: Apache-2.0
// The choice of RMS normalisation's target.
#include "kernels/rms_norm.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

template <class T>
void check(const RmsNormArgs<T>& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(args.x, end, args.width, args.width));
  BRT_ASSERT(is_matrix(args.out, end, args.width, args.width));
  BRT_ASSERT(end == 0 || is_array(args.gain, args.width));
  BRT_ASSERT(is_array(args.root, end));
  BRT_ASSERT(are_apart(args.x, end * args.width, args.out, end * args.width));
  BRT_ASSERT(are_apart(args.out, end * args.width, args.root, end));
}

template <class T>
void check(const RmsNormBackwardArgs<T>& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(args.out_gradient, end, args.width, args.width));
  BRT_ASSERT(is_matrix(args.x, end, args.width, args.width));
  BRT_ASSERT(is_matrix(args.x_gradient, end, args.width, args.width));
  BRT_ASSERT(is_array(args.root, end));
  BRT_ASSERT(end == 0 || is_array(args.gain, args.width));
  BRT_ASSERT(end == 0 || is_array(args.gain_gradient, args.width));
  BRT_ASSERT(are_apart(args.x, end * args.width, args.x_gradient, end * args.width));
  BRT_ASSERT(are_apart(args.out_gradient, end * args.width, args.x_gradient, end * args.width));
}

template <class T>
void forward(const RmsNormArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().rms_norm(args, begin, end);
}

template <class T>
void backward(const RmsNormBackwardArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().rms_norm_backward(args, begin, end);
}

}  // namespace

void rms_norm(const RmsNormArgs<float>& args, int64_t begin, int64_t end) {
  forward(args, begin, end);
}
void rms_norm(const RmsNormArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  forward(args, begin, end);
}
void rms_norm_backward(const RmsNormBackwardArgs<float>& args, int64_t begin, int64_t end) {
  backward(args, begin, end);
}
void rms_norm_backward(const RmsNormBackwardArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  backward(args, begin, end);
}

}  // namespace brt::kernels
