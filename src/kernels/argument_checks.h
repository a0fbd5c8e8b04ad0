// SPDX-License-Identifier: Apache-2.0
// What entries of kernels assert of their arguments (BRT_ASSERT): pointers, sizes and ranges, as
// far as these can be told without the size of the memory behind a pointer. Not for the files of a
// target, which must not share functions with others.
#pragma once

#include <cstdint>

namespace brt::kernels {

/// What scratch and panels of whole cache lines are aligned to.
constexpr int64_t kLineBytes = 64;

inline bool is_aligned(const void* address, int64_t bytes) {
  return reinterpret_cast<uintptr_t>(address) % static_cast<uintptr_t>(bytes) == 0;
}

/// Whether `first` may be the first of so many elements; none may lie nowhere.
template <class T>
bool is_array(const T* first, int64_t count) {
  return count == 0 ||
         (count > 0 && first != nullptr && is_aligned(first, static_cast<int64_t>(alignof(T))));
}

/// The same of rows of elements, `stride` from row to row; rows do not reach into each other.
template <class T>
bool is_matrix(const T* first, int64_t rows, int64_t columns, int64_t stride) {
  return rows >= 0 && columns >= 0 && (rows <= 1 || stride >= columns) &&
         is_array(first, rows * columns);
}

/// Whether [begin, end) is a part of [0, count), by default of any length.
inline bool is_range(int64_t begin, int64_t end, int64_t count = INT64_MAX) {
  return 0 <= begin && begin <= end && end <= count;
}

/// Whether two arrays have no element in common.
template <class T, class U>
bool are_apart(const T* first, int64_t first_count, const U* second, int64_t second_count) {
  const uintptr_t first_begin = reinterpret_cast<uintptr_t>(first);
  const uintptr_t second_begin = reinterpret_cast<uintptr_t>(second);
  return first_count == 0 || second_count == 0 ||
         first_begin + static_cast<uintptr_t>(first_count) * sizeof(T) <= second_begin ||
         second_begin + static_cast<uintptr_t>(second_count) * sizeof(U) <= first_begin;
}

}  // namespace brt::kernels
