// SPDX-License-Identifier: Apache-2.0
// The rows of a step under computation: their activations, whose they are, and the threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/packed_model.h"
#include "engine/step_operands.h"
#include "engine/stream_state.h"
#include "engine/thread_team.h"
#include "kernels/matmul.h"

namespace brt {

/// The next tokens of one stream; they do not pass the end of its block.
struct StepTokens {
  StreamState* state = nullptr;
  std::span<const int32_t> tokens;
};

/// One stream's rows of a step.
struct StepStream {
  StreamState* state = nullptr;
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t position = 0;  ///< of the first row in the stream's block
};

/// What the parts of a step share. Every thread calls the same functions of the step's parts; a
/// product is divided by panels of columns, and a barrier stands wherever one thread reads what
/// another wrote.
class Step {
 public:
  /// @param max_rows  most tokens of a step
  /// @param max_logits_rows  most rows whose logits are computed at once
  Step(const PackedModel& model, ThreadTeam& team, int64_t max_rows, int64_t max_logits_rows);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  const PackedModel& model;
  const ModelConfig& config;
  ThreadTeam& team;
  StepOperands operands;

  /// Begins a step: one row for each token, in order, which holds its embedding.
  void begin(std::span<const StepTokens> tokens);
  std::span<const StepStream> streams() const { return streams_; }
  int64_t rows() const { return rows_; }

  // Activations of the rows, row by row.
  float* x() { return x_RD_; }            ///< [R, D], the residual stream
  float* qkv() { return qkv_RP_; }        ///< [R, P]: k, v, q, q2
  float* joined() { return joined_RE_; }  ///< [R, E]: [ys ; yc]
  float* hidden() { return hidden_RF_; }  ///< [R, F]
  float* chosen() { return chosen_RD_; }  ///< [R, D]: rows whose logits are wanted
  float* logits() { return logits_RV_; }  ///< [R, V]

  /// The thread's part of out = or += rows times matrix, of all rows, and a barrier.
  /// @param next  where the thread begins to read what comes next
  void multiply(const WeightMatrix& matrix,
                const Operand& operand,
                float* out,
                kernels::MatmulOutput output,
                int64_t thread,
                const std::byte* next);
  /// Where a thread begins to read a matrix; nearly so for the projection of heads.
  const std::byte* first_panel(const WeightMatrix& matrix, int64_t thread) const {
    return matrix.panel(team.part(matrix.num_panels(), thread).begin);
  }

 private:
  AlignedBuffer memory_;
  // Parts of memory_.
  float* x_RD_ = nullptr;
  float* qkv_RP_ = nullptr;
  float* joined_RE_ = nullptr;
  float* hidden_RF_ = nullptr;
  float* chosen_RD_ = nullptr;
  float* logits_RV_ = nullptr;
  std::vector<StepStream> streams_;
  int64_t rows_ = 0;
};

}  // namespace brt
