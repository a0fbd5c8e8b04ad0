// SPDX-License-Identifier: Apache-2.0
// How fast all threads together read memory: what limits a token's step, which reads all weights.
#pragma once

#include <cstdint>

#include "engine/aligned_buffer.h"
#include "engine/thread_team.h"

namespace brt {

class ReadBandwidth {
 public:
  /// @param bytes  of the buffer that is read again and again, at least 1
  ReadBandwidth(int64_t bytes, int64_t threads);

  /// Bytes per second of some passes over the buffer, about 10 ms.
  double measure();

 private:
  AlignedBuffer buffer_;
  ThreadTeam team_;
  uint64_t sum_ = 0;  ///< of what was read, so that it is read
};

}  // namespace brt
