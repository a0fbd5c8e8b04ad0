// SPDX-License-Identifier: Apache-2.0
// Scratch memory of parallel tasks.
#pragma once

#include <cstdint>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "base/divide_up.h"

namespace brt {

/// As many slots for parallel_tasks as there are threads.
inline int64_t num_slots() { return at::get_num_threads(); }

/// For each slot of parallel_tasks so many elements, aligned to cache lines, not initialised.
template <class T>
class SlotMemory {
 public:
  SlotMemory(int64_t slots, int64_t elements)
      : memory_(at::empty({slots, round_up(elements * static_cast<int64_t>(sizeof(T)), 64)},
                          at::kByte)) {}
  T* of(int64_t slot) const {
    return reinterpret_cast<T*>(memory_.mutable_data_ptr<uint8_t>() + slot * memory_.size(1));
  }

 private:
  at::Tensor memory_;
};

}  // namespace brt
