// SPDX-License-Identifier: Apache-2.0
// The two-layer feed-forward network.
#include "model/feed_forward.h"

#include "ops/linear.h"

namespace brt {

FeedForwardImpl::FeedForwardImpl(int64_t in_features, int64_t hidden_features, int64_t out_features)
    : up(register_module("up", Linear(in_features, hidden_features))),
      down(register_module("down", Linear(hidden_features, out_features))) {}

at::Tensor FeedForwardImpl::hidden(const at::Tensor& x, const ForwardOptions& options) {
  return linear_relu(x, up->ref(options), options.dtype);
}

at::Tensor FeedForwardImpl::output(const at::Tensor& hidden, const ForwardOptions& options) {
  return down->forward(hidden, options);
}

}  // namespace brt
