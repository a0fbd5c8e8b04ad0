// SPDX-License-Identifier: Apache-2.0
// RMS normalisation by kernels, as an autograd function.
#include "ops/rms_norm_autograd.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "config/model_constants.h"
#include "kernels/rms_norm.h"
#include "ops/kernel_pointers.h"
#include "ops/row_chunks.h"

namespace brt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
void write_norm(const at::Tensor& x,
                const at::Tensor& gain_D,
                const at::Tensor& out,
                const at::Tensor& root_R) {
  kernels::RmsNormArgs<T> args;
  args.x = x.const_data_ptr<float>();
  args.gain = gain_D.const_data_ptr<float>();
  args.out = static_cast<T*>(out.mutable_data_ptr());
  args.root = root_R.mutable_data_ptr<float>();
  args.width = x.size(-1);
  args.epsilon = static_cast<float>(kNormEpsilon);
  parallel_rows(row_chunks(x), [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::rms_norm(args, begin, end);
  });
}

/// Each chunk C has a row of `partial_CD`, so that the sum's order does not depend on threads.
template <class T>
void write_gradients(const at::Tensor& out_gradient,
                     const variable_list& saved,
                     const at::Tensor& x_gradient,
                     const at::Tensor& partial_CD) {
  kernels::RmsNormBackwardArgs<T> args;
  args.out_gradient = static_cast<const T*>(out_gradient.const_data_ptr());
  args.x = saved[0].const_data_ptr<float>();
  args.gain = saved[1].const_data_ptr<float>();
  args.root = saved[2].const_data_ptr<float>();
  args.x_gradient = x_gradient.mutable_data_ptr<float>();
  args.width = x_gradient.size(-1);
  float* partials = partial_CD.mutable_data_ptr<float>();
  parallel_rows(row_chunks(x_gradient), [&](int64_t chunk, int64_t begin, int64_t end) {
    kernels::RmsNormBackwardArgs<T> of_chunk = args;
    of_chunk.gain_gradient = partials + chunk * args.width;
    kernels::rms_norm_backward(of_chunk, begin, end);
  });
}

/// Saved: x [..., D] contiguous, gain [D], root [R] (R rows).
struct FusedRmsNorm : public torch::autograd::Function<FusedRmsNorm> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& x,
                            const at::Tensor& gain_D,
                            int64_t out_dtype) {
    const at::ScalarType dtype = static_cast<at::ScalarType>(out_dtype);
    const at::Tensor contiguous_x = x.contiguous();
    const at::Tensor contiguous_gain_D = gain_D.contiguous();
    const at::Tensor out = at::empty(x.sizes(), x.options().dtype(dtype));
    const at::Tensor root_R = at::empty({row_chunks(x).rows}, x.options());
    with_kernel_type(dtype, [&](auto type) {
      write_norm<decltype(type)>(contiguous_x, contiguous_gain_D, out, root_R);
    });
    context->save_for_backward({contiguous_x, contiguous_gain_D, root_R});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor out_gradient = gradients[0].contiguous();
    const at::Tensor x_gradient = at::empty(x.sizes(), x.options());
    const at::Tensor partial_CD = at::zeros({row_chunks(x).count(), x.size(-1)}, x.options());
    with_kernel_type(out_gradient.scalar_type(), [&](auto type) {
      write_gradients<decltype(type)>(out_gradient, saved, x_gradient, partial_CD);
    });
    return {x_gradient, sum_in_order(partial_CD), at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_rms_norm(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype) {
  return FusedRmsNorm::apply(x, gain, static_cast<int64_t>(out_dtype));
}

}  // namespace brt
