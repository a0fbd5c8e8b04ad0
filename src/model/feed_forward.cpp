// SPDX-License-Identifier: Apache-2.0
// The two-layer feed-forward network.
#include "model/feed_forward.h"

namespace brt {

FeedForwardImpl::FeedForwardImpl(int64_t in_features, int64_t hidden_features, int64_t out_features)
    : up(register_module("up", Linear(in_features, hidden_features))),
      down(register_module("down", Linear(hidden_features, out_features))) {}

at::Tensor FeedForwardImpl::hidden(const at::Tensor& x, at::ScalarType dtype) {
  return linear_relu(x, up->ref(), dtype);
}

at::Tensor FeedForwardImpl::output(const at::Tensor& hidden, at::ScalarType dtype) {
  return down->forward(hidden, dtype);
}

}  // namespace brt
