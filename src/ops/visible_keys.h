// SPDX-License-Identifier: Apache-2.0
// Which keys attention's queries see.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

/// Query n, counted from first_row on, sees keys [n, n + window), or every key if window is 0; but
/// in lanes whose cache is empty none of the first cache_keys.
struct VisibleKeys {
  int64_t window = 0;
  int64_t first_row = 0;
  at::Tensor empty_cache_B;  ///< bool or whole numbers; undefined: in no lane
  int64_t cache_keys = 0;

  /// For the kernels: the first key that each of the lanes may see.
  std::vector<int64_t> first_keys(int64_t lanes) const;

  /// For the plain forms: logits of an empty cache's keys become kHiddenLogit.
  /// @param logits     [B, ..., J]
  /// @param key_index  which key each logit belongs to: int64, of a shape that expands to one
  /// lane's
  at::Tensor hide_empty_cache(const at::Tensor& logits, const at::Tensor& key_index) const;
};

}  // namespace brt
