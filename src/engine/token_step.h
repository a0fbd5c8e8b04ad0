// SPDX-License-Identifier: Apache-2.0
// One pass over the weights for the next tokens of some streams.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/packed_model.h"
#include "engine/step.h"
#include "engine/stream_layout.h"
#include "engine/thread_team.h"

namespace brt {

/// Computes steps: the layers for all tokens, the streams' caches and states, then logits of some
/// rows. Nothing is allocated by the calls.
class TokenStep {
 public:
  /// @param max_rows  most tokens of a step
  /// @param max_logits_rows  most rows of one call of logits()
  static std::unique_ptr<TokenStep> make(const PackedModel& model,
                                         const StreamLayout& layout,
                                         ThreadTeam& team,
                                         int64_t max_rows,
                                         int64_t max_logits_rows);
  virtual ~TokenStep() = default;

  /// Takes the tokens in; the streams are then after them. Rows of the step are the tokens in
  /// order.
  virtual void run(std::span<const StepTokens> tokens) = 0;

  /// Logits [R, V] of rows of the last step, in the order given; valid until the next call.
  virtual const float* logits(std::span<const int64_t> rows) = 0;

  /// Makes a state's rotated keys (rotary) of its keys.
  virtual void rotate_keys(StreamState& state) const = 0;
};

}  // namespace brt
