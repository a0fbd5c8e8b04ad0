// SPDX-License-Identifier: Apache-2.0
// A weight matrix as a module.
#include "model/linear.h"

#include <ATen/ops/empty.h>

#include "ops/linear.h"

namespace brt {

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features)
    : weight(register_parameter("weight", at::empty({out_features, in_features}))) {}

at::Tensor LinearImpl::forward(const at::Tensor& x, const ForwardOptions& options) {
  return linear(x, ref(options), options.dtype);
}

}  // namespace brt
