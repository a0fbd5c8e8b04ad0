// SPDX-License-Identifier: Apache-2.0
// The stack of layers for a step's rows, computed by all threads side by side.
#include "engine/token_step.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/attention_sublayer.h"
#include "engine/feed_forward_sublayer.h"
#include "engine/pending_updates.h"
#include "engine/stream_attention.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::kPanelColumns;

/// T is float or Bfloat16: the numbers of caches and operands.
template <class T>
class TokenStepOf : public TokenStep {
 public:
  TokenStepOf(const PackedModel& model,
              const StreamLayout& layout,
              ThreadTeam& team,
              int64_t max_rows,
              int64_t max_logits_rows)
      : step_(model, team, max_rows, max_logits_rows),
        attention_(model),
        updates_(model, layout, team, /*max_streams=*/max_rows) {
    const int64_t scratch_bytes = std::max(attention_.scratch_bytes(), updates_.scratch_bytes());
    for (int64_t thread = 0; thread < team.most(); ++thread) {
      scratch_.emplace_back(scratch_bytes);
    }
  }

  void run(std::span<const StepTokens> tokens) override {
    step_.begin(tokens);
    step_.team.run([this](int64_t thread) {
      std::byte* scratch = scratch_[static_cast<size_t>(thread)].data();
      updates_.run_before_tokens(step_.streams(), thread, scratch);
      for (int64_t layer = 0; layer < step_.config.num_layers; ++layer) {
        add_attention(step_, attention_, layer, thread, scratch);
        add_feed_forward(step_, layer, thread);
      }
      updates_.run_after_tokens(step_.streams(), thread, scratch);
    });
    updates_.end_step();
    for (const StepStream& stream : step_.streams()) {
      StateAccess::tokens_read(*stream.state) += stream.rows;
    }
  }

  /// rmsnorm(y) E^T / sqrt(D)
  const float* logits(std::span<const int64_t> rows) override {
    const int64_t width = step_.config.width;
    const int64_t count = static_cast<int64_t>(rows.size());
    for (int64_t i = 0; i < count; ++i) {
      const float* row = step_.x() + rows[static_cast<size_t>(i)] * width;
      std::copy(row, row + width, step_.chosen() + i * width);
    }
    step_.team.run([this, count](int64_t thread) {
      const WeightMatrix& embedding = step_.model.logits();
      const Operand operand =
          step_.operands.normed(step_.chosen(), count, step_.model.final_norm(), thread);
      const Range panels = step_.team.part(embedding.num_panels(), thread);
      embedding.multiply(operand, count, panels, step_.logits(), step_.config.vocab_size);
      scale_logits(count, panels);
    });
    return step_.logits();
  }

  void rotate_keys(StreamState& state) const override { attention_.rotate_keys(state); }

 private:
  Step step_;
  StreamAttention<T> attention_;
  PendingUpdates<T> updates_;
  std::vector<AlignedBuffer> scratch_;  ///< of each thread

  /// / sqrt(D)
  void scale_logits(int64_t rows, const Range& panels) {
    const int64_t vocab_size = step_.config.vocab_size;
    const float scale = 1.0F / std::sqrt(static_cast<float>(step_.config.width));
    const int64_t begin = panels.begin * kPanelColumns;
    const int64_t end = std::min(panels.end * kPanelColumns, vocab_size);
    for (int64_t row = 0; row < rows; ++row) {
      float* logits_V = step_.logits() + row * vocab_size;
      for (int64_t v = begin; v < end; ++v) {
        logits_V[v] *= scale;
      }
    }
  }
};

}  // namespace

std::unique_ptr<TokenStep> TokenStep::make(const PackedModel& model,
                                           const StreamLayout& layout,
                                           ThreadTeam& team,
                                           int64_t max_rows,
                                           int64_t max_logits_rows) {
  if (layout.is_float) {
    return std::make_unique<TokenStepOf<float>>(model, layout, team, max_rows, max_logits_rows);
  }
  return std::make_unique<TokenStepOf<Bfloat16>>(model, layout, team, max_rows, max_logits_rows);
}

}  // namespace brt
