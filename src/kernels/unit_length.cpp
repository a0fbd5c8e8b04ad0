// SPDX-License-Identifier: Apache-2.0
// The choice of the target of unit length.
#include "kernels/unit_length.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

template <class T>
void check(const UnitLengthArgs<T>& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(args.x, end, args.width, args.width));
  BRT_ASSERT(is_matrix(args.out, end, args.width, args.width));
  BRT_ASSERT(are_apart(args.x, end * args.width, args.out, end * args.width));
}

template <class T>
void check(const UnitLengthBackwardArgs<T>& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(is_matrix(args.out_gradient, end, args.width, args.width));
  BRT_ASSERT(is_matrix(args.x, end, args.width, args.width));
  BRT_ASSERT(is_matrix(args.x_gradient, end, args.width, args.width));
  BRT_ASSERT(are_apart(args.x, end * args.width, args.x_gradient, end * args.width));
  BRT_ASSERT(are_apart(args.out_gradient, end * args.width, args.x_gradient, end * args.width));
}

template <class T>
void forward(const UnitLengthArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().unit_length(args, begin, end);
}

template <class T>
void backward(const UnitLengthBackwardArgs<T>& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernels_of<T>().unit_length_backward(args, begin, end);
}

}  // namespace

void unit_length(const UnitLengthArgs<float>& args, int64_t begin, int64_t end) {
  forward(args, begin, end);
}
void unit_length(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  forward(args, begin, end);
}
void unit_length_backward(const UnitLengthBackwardArgs<float>& args, int64_t begin, int64_t end) {
  backward(args, begin, end);
}
void unit_length_backward(const UnitLengthBackwardArgs<Bfloat16>& args,
                          int64_t begin,
                          int64_t end) {
  backward(args, begin, end);
}

}  // namespace brt::kernels
