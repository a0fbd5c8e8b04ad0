// SPDX-License-Identifier: Apache-2.0
// Two products, divided by panels of columns.
#include "engine/feed_forward_sublayer.h"

#include <algorithm>

#include "engine/relu.h"

namespace brt {

void add_feed_forward(Step& step, int64_t layer, int64_t thread) {
  const LayerWeights& weights = step.model.layer(layer);
  const int64_t ffn_width = step.config.ffn_width;
  const Operand normed = step.operands.normed(step.x(), step.rows(), weights.ffn_norm_D, thread);
  const Range panels = step.team.part(weights.up.num_panels(), thread);
  weights.up.multiply(normed, step.rows(), panels, step.hidden(), ffn_width,
                      kernels::MatmulOutput::kStoreFloat, step.first_panel(weights.down, thread));
  const int64_t begin = panels.begin * kernels::kPanelColumns;
  const int64_t end = std::min(panels.end * kernels::kPanelColumns, ffn_width);
  for (int64_t row = 0; row < step.rows() && begin < end; ++row) {
    relu({step.hidden() + row * ffn_width + begin, static_cast<size_t>(end - begin)});
  }
  step.team.barrier(thread);

  const Operand hidden = step.operands.plain(step.hidden(), step.rows(), ffn_width, thread);
  const WeightMatrix& next =
      layer + 1 < step.config.num_layers ? step.model.layer(layer + 1).qkv : step.model.logits();
  step.multiply(weights.down, hidden, step.x(), kernels::MatmulOutput::kAddFloat, thread,
                step.first_panel(next, thread));
}

}  // namespace brt
