// SPDX-License-Identifier: Apache-2.0
// Our attention as operators of PyTorch: the shared library brt_torch_ops, for
// torch.ops.load_library.
#include <optional>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include "ops/cross_attention.h"
#include "ops/window_attention.h"

namespace brt {
namespace {

at::Tensor or_undefined(const std::optional<at::Tensor>& tensor) {
  return tensor.value_or(at::Tensor());
}

at::Tensor window_attention_op(const at::Tensor& query_BNHK,
                               const at::Tensor& keys_BMHK,
                               const at::Tensor& values_BMHK,
                               int64_t window,
                               const std::optional<at::Tensor>& bias_HW,
                               const std::optional<at::Tensor>& scale_H,
                               const std::optional<at::Tensor>& empty_cache_B) {
  WindowAttentionOptions options;
  options.window = window;
  options.bias_HW = or_undefined(bias_HW);
  options.scale_H = or_undefined(scale_H);
  options.empty_cache_B = or_undefined(empty_cache_B);
  return window_attention(query_BNHK, keys_BMHK, values_BMHK, options);
}

at::Tensor cross_attention_op(const at::Tensor& query_BRHK,
                              const at::Tensor& keys_BJHK,
                              const at::Tensor& values_BJHK,
                              const std::optional<at::Tensor>& scale_H) {
  return cross_attention(query_BRHK, keys_BJHK, values_BJHK, or_undefined(scale_H));
}

at::Tensor window_attention_meta(const at::Tensor& query_BNHK,
                                 const at::Tensor& /*keys_BMHK*/,
                                 const at::Tensor& /*values_BMHK*/,
                                 int64_t /*window*/,
                                 const std::optional<at::Tensor>& /*bias_HW*/,
                                 const std::optional<at::Tensor>& /*scale_H*/,
                                 const std::optional<at::Tensor>& /*empty_cache_B*/) {
  return at::empty_like(query_BNHK, at::MemoryFormat::Contiguous);
}

at::Tensor cross_attention_meta(const at::Tensor& query_BRHK,
                                const at::Tensor& /*keys_BJHK*/,
                                const at::Tensor& /*values_BJHK*/,
                                const std::optional<at::Tensor>& /*scale_H*/) {
  return at::empty_like(query_BRHK, at::MemoryFormat::Contiguous);
}

}  // namespace

TORCH_LIBRARY(brt, library) {
  library.def(
      "window_attention(Tensor query, Tensor keys, Tensor values, int window, Tensor? bias=None, "
      "Tensor? scale=None, Tensor? empty_cache=None) -> Tensor");
  library.def(
      "cross_attention(Tensor query, Tensor keys, Tensor values, Tensor? scale=None) -> Tensor");
}

// The functions bring their own gradients, so they serve every device and autograd as they are.
TORCH_LIBRARY_IMPL(brt, CompositeImplicitAutograd, library) {
  library.impl("window_attention", window_attention_op);
  library.impl("cross_attention", cross_attention_op);
}

TORCH_LIBRARY_IMPL(brt, Meta, library) {
  library.impl("window_attention", window_attention_meta);
  library.impl("cross_attention", cross_attention_meta);
}

}  // namespace brt
