// SPDX-License-Identifier: Apache-2.0
// Unit length by kernels, as an autograd function.
#include "ops/unit_length_autograd.h"

#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "config/model_constants.h"
#include "kernels/unit_length.h"
#include "ops/kernel_pointers.h"
#include "ops/row_chunks.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
void write_unit_length(const at::Tensor& x, const at::Tensor& out) {
  kernels::UnitLengthArgs<T> args;
  args.x = const_pointer<T>(x);
  args.out = mutable_pointer<T>(out);
  args.width = x.size(-1);
  args.epsilon = static_cast<float>(kNormEpsilon);
  parallel_rows(row_chunks(x), [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::unit_length(args, begin, end);
  });
}

template <class T>
void write_gradient(const at::Tensor& out_gradient,
                    const at::Tensor& x,
                    const at::Tensor& x_gradient) {
  kernels::UnitLengthBackwardArgs<T> args;
  args.out_gradient = const_pointer<T>(out_gradient);
  args.x = const_pointer<T>(x);
  args.x_gradient = mutable_pointer<T>(x_gradient);
  args.width = x.size(-1);
  args.epsilon = static_cast<float>(kNormEpsilon);
  parallel_rows(row_chunks(x), [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::unit_length_backward(args, begin, end);
  });
}

/// Saved: x [..., K] contiguous.
struct FusedUnitLength : public torch::autograd::Function<FusedUnitLength> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    const at::Tensor contiguous_x = x.contiguous();
    const at::Tensor out = at::empty(x.sizes(), x.options());
    with_kernel_type(x.scalar_type(),
                     [&](auto type) { write_unit_length<decltype(type)>(contiguous_x, out); });
    context->save_for_backward({contiguous_x});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor x = context->get_saved_variables().front();
    const at::Tensor out_gradient = gradients[0].contiguous();
    const at::Tensor x_gradient = at::empty(x.sizes(), x.options());
    with_kernel_type(x.scalar_type(), [&](auto type) {
      write_gradient<decltype(type)>(out_gradient, x, x_gradient);
    });
    return {x_gradient};
  }
};

}  // namespace

bool is_unit_length_fused(const at::Tensor& x) { return is_for_kernels(x) && x.numel() > 0; }

at::Tensor fused_unit_length(const at::Tensor& x) { return FusedUnitLength::apply(x); }

}  // namespace brt
