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

/// What backward needs.
struct SavedNorm {
  at::Tensor x;       ///< [..., D], contiguous
  at::Tensor gain_D;  ///< contiguous
  at::Tensor root_R;  ///< of each of R rows

  variable_list list() const { return {x, gain_D, root_R}; }
  static SavedNorm of(const variable_list& saved) { return {saved[0], saved[1], saved[2]}; }
};

template <class T>
void write_norm(const SavedNorm& in, const at::Tensor& out) {
  kernels::RmsNormArgs<T> args;
  args.x = in.x.const_data_ptr<float>();
  args.gain = in.gain_D.const_data_ptr<float>();
  args.out = mutable_pointer<T>(out);
  args.root = in.root_R.mutable_data_ptr<float>();
  args.width = in.x.size(-1);
  args.epsilon = static_cast<float>(kNormEpsilon);
  parallel_rows(row_chunks(in.x), [&args](int64_t /*chunk*/, int64_t begin, int64_t end) {
    kernels::rms_norm(args, begin, end);
  });
}

/// Each chunk C has a row of `partial_CD`, so that the sum's order does not depend on threads.
template <class T>
void write_gradients(const at::Tensor& out_gradient,
                     const SavedNorm& saved,
                     const at::Tensor& x_gradient,
                     const at::Tensor& partial_CD) {
  kernels::RmsNormBackwardArgs<T> args;
  args.out_gradient = const_pointer<T>(out_gradient);
  args.x = saved.x.const_data_ptr<float>();
  args.gain = saved.gain_D.const_data_ptr<float>();
  args.root = saved.root_R.const_data_ptr<float>();
  args.x_gradient = x_gradient.mutable_data_ptr<float>();
  args.width = x_gradient.size(-1);
  float* partials = partial_CD.mutable_data_ptr<float>();
  parallel_rows(row_chunks(x_gradient), [&](int64_t chunk, int64_t begin, int64_t end) {
    kernels::RmsNormBackwardArgs<T> of_chunk = args;
    of_chunk.gain_gradient = partials + chunk * args.width;
    kernels::rms_norm_backward(of_chunk, begin, end);
  });
}

struct FusedRmsNorm : public torch::autograd::Function<FusedRmsNorm> {
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& x,
                            const at::Tensor& gain_D,
                            int64_t out_dtype) {
    const at::ScalarType dtype = static_cast<at::ScalarType>(out_dtype);
    const SavedNorm saved = {x.contiguous(), gain_D.contiguous(),
                             at::empty({row_chunks(x).rows}, x.options())};
    const at::Tensor out = at::empty(x.sizes(), x.options().dtype(dtype));
    with_kernel_type(dtype, [&](auto type) { write_norm<decltype(type)>(saved, out); });
    context->save_for_backward(saved.list());
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const SavedNorm saved = SavedNorm::of(context->get_saved_variables());
    const at::Tensor out_gradient = gradients[0].contiguous();
    const at::Tensor x_gradient = at::empty(saved.x.sizes(), saved.x.options());
    const at::Tensor partial_CD =
        at::zeros({row_chunks(saved.x).count(), saved.x.size(-1)}, saved.x.options());
    with_kernel_type(out_gradient.scalar_type(), [&](auto type) {
      write_gradients<decltype(type)>(out_gradient, saved, x_gradient, partial_CD);
    });
    return {x_gradient, sum_in_order(partial_CD), at::Tensor()};
  }
};

}  // namespace

bool is_rms_norm_fused(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype) {
  return is_float32_for_kernels(x) && x.numel() > 0 && is_float32_for_kernels(gain) &&
         is_for_kernels(out_dtype);
}

at::Tensor fused_rms_norm(const at::Tensor& x, const at::Tensor& gain, at::ScalarType out_dtype) {
  return FusedRmsNorm::apply(x, gain, static_cast<int64_t>(out_dtype));
}

}  // namespace brt
