// SPDX-License-Identifier: Apache-2.0
// Unit length for every machine.
#include "kernels/unit_length-inl.h"
#include "kernels/unit_length_targets.h"

namespace brt::kernels {

void unit_length_scalar(const UnitLengthArgs<float>& args, int64_t begin, int64_t end) {
  unit_length_rows(args, begin, end);
}
void unit_length_scalar(const UnitLengthArgs<Bfloat16>& args, int64_t begin, int64_t end) {
  unit_length_rows(args, begin, end);
}
void unit_length_backward_scalar(const UnitLengthBackwardArgs<float>& args,
                                 int64_t begin,
                                 int64_t end) {
  unit_length_backward_rows(args, begin, end);
}
void unit_length_backward_scalar(const UnitLengthBackwardArgs<Bfloat16>& args,
                                 int64_t begin,
                                 int64_t end) {
  unit_length_backward_rows(args, begin, end);
}

}  // namespace brt::kernels
