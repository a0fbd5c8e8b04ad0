// SPDX-License-Identifier: Apache-2.0
// Keys of empty caches, for kernels and for masks.
#include "ops/visible_keys.h"

#include <ATen/TensorOperators.h>

#include "config/model_constants.h"

namespace brt {

std::vector<int64_t> VisibleKeys::first_keys(int64_t lanes) const {
  std::vector<int64_t> first(static_cast<size_t>(lanes), 0);
  if (empty_cache_B.defined()) {
    const at::Tensor empty_B = empty_cache_B.to(at::kCPU, at::kBool).contiguous();
    for (size_t lane = 0; lane < first.size(); ++lane) {
      first[lane] = empty_B.const_data_ptr<bool>()[lane] ? cache_keys : 0;
    }
  }
  return first;
}

at::Tensor VisibleKeys::hide_empty_cache(const at::Tensor& logits,
                                         const at::Tensor& key_index) const {
  if (!empty_cache_B.defined()) {
    return logits;
  }
  std::vector<int64_t> one_a_lane(static_cast<size_t>(logits.dim()), 1);
  one_a_lane.front() = -1;
  const at::Tensor hidden = empty_cache_B.to(at::kBool).view(one_a_lane) & key_index.lt(cache_keys);
  return logits.masked_fill(hidden, kHiddenLogit);
}

}  // namespace brt
