// SPDX-License-Identifier: Apache-2.0
// Rows of activations on their way into a product, made by all threads of a step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/operand.h"
#include "engine/thread_team.h"

namespace brt {

/// Up to this many rows are prepared by every thread for itself, which is cheaper than a barrier
/// more.
inline constexpr int64_t kPrivateRows = 4;

/// Makes operands. Every thread calls the same functions with the same rows; an operand is valid
/// until the thread's next call and the barrier after that.
class StepOperands {
 public:
  /// @param max_rows  most rows of a call  @param deepest  the most numbers of a row
  /// @param width  D, of rows that are normalised
  StepOperands(
      WeightFormat format, ThreadTeam& team, int64_t max_rows, int64_t deepest, int64_t width);
  StepOperands(const StepOperands&) = delete;
  StepOperands& operator=(const StepOperands&) = delete;

  /// Rows x [rows, depth]. More than kPrivateRows are divided, and a barrier comes after.
  Operand plain(const float* x, int64_t rows, int64_t depth, int64_t thread);
  /// rmsnorm(x) of rows [rows, D].
  Operand normed(const float* x_RD, int64_t rows, std::span<const float> gain_D, int64_t thread);

 private:
  /// What one thread makes for itself: kPrivateRows rows.
  struct Private {
    AlignedBuffer normed_RD;  ///< and the norms' roots
    AlignedBuffer operand;
  };

  ThreadTeam& team_;
  OperandFormat shared_format_;
  OperandFormat private_format_;
  AlignedBuffer memory_;  ///< the shared operand, then:
  float* normed_RD_;
  float* root_R_;
  std::vector<Private> private_;  ///< of each thread
};

}  // namespace brt
