// SPDX-License-Identifier: Apache-2.0
// A row a vector at a time, the last one in part.
#pragma once

#include <cstdint>

namespace brt::kernels {
namespace {

/// Calls body(i, mask) for the elements [0, count), a vector at a time.
template <class Vector, class Body>
inline __attribute__((always_inline)) void for_vectors(int64_t count, const Body& body) {
  const typename Vector::Mask all = Vector::first(Vector::kSize);
  int64_t i = 0;
  for (; i + Vector::kSize <= count; i += Vector::kSize) {
    body(i, all);
  }
  if (i < count) {
    body(i, Vector::first(count - i));
  }
}

}  // namespace
}  // namespace brt::kernels
