// SPDX-License-Identifier: Apache-2.0
// Projection, attention head by head, projection. Heads and streams are divided among the threads.
#include "engine/attention_sublayer.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::kPanelColumns;
using kernels::MatmulOutput;

/// Whether whole heads fall to every thread: then each makes those that it attends with, and nobody
/// waits.
bool are_heads_divided(const Step& step) {
  return step.config.head_size % kPanelColumns == 0 &&
         step.config.num_heads % step.team.size() == 0;
}

/// Panels of a source of the matrix that the thread makes, if heads are divided.
Range head_panels(const Step& step, const WeightMatrix& qkv, int64_t source, int64_t thread) {
  const int64_t of_head = step.config.head_size / kPanelColumns;
  const int64_t first = qkv.source_column(source) / kPanelColumns;
  const Range heads = step.team.part(step.config.num_heads, thread);
  return {first + heads.begin * of_head, first + heads.end * of_head};
}

/// k, v, q, q2.
void project_qkv(Step& step,
                 const WeightMatrix& qkv,
                 const Operand& normed,
                 int64_t thread,
                 const std::byte* next) {
  if (!are_heads_divided(step)) {
    step.multiply(qkv, normed, step.qkv(), MatmulOutput::kStoreFloat, thread, next);
    return;
  }
  for (int64_t source = 0; source < qkv.num_sources(); ++source) {
    const bool is_last = source + 1 == qkv.num_sources();
    qkv.multiply(normed, step.rows(), head_panels(step, qkv, source, thread), step.qkv(),
                 qkv.columns(), MatmulOutput::kStoreFloat,
                 is_last ? next : qkv.panel(head_panels(step, qkv, source + 1, thread).begin));
  }
}

TokenRows token_rows(Step& step, const LayerWeights& weights, int64_t stream_index) {
  const StepStream& stream = step.streams()[static_cast<size_t>(stream_index)];
  TokenRows rows;
  rows.state = stream.state;
  rows.first = stream.position;
  rows.count = stream.rows;
  rows.qkv_stride = weights.qkv.columns();
  rows.qkv_RP = step.qkv() + stream.first_row * rows.qkv_stride;
  rows.joined_stride = weights.output.depth();
  rows.joined_RE = step.joined() + stream.first_row * rows.joined_stride;
  return rows;
}

/// Items of work are pairs of a head and a stream; these are the keys with which one begins.
template <class T>
const std::byte* first_keys(Step& step,
                            const StreamAttention<T>& attention,
                            int64_t layer,
                            int64_t item) {
  const int64_t num_streams = static_cast<int64_t>(step.streams().size());
  return static_cast<const std::byte*>(attention.first_keys(
      layer, item / num_streams, token_rows(step, step.model.layer(layer), item % num_streams)));
}

/// The thread's items.
Range items_of(const Step& step, int64_t thread) {
  const int64_t num_streams = static_cast<int64_t>(step.streams().size());
  return step.team.part(step.config.num_heads * num_streams, thread);
}

/// While an item is computed, the start of the next one's caches comes.
template <class T>
void attend_heads(Step& step,
                  const StreamAttention<T>& attention,
                  int64_t layer,
                  int64_t thread,
                  std::byte* scratch) {
  const LayerWeights& weights = step.model.layer(layer);
  const int64_t num_streams = static_cast<int64_t>(step.streams().size());
  const Range items = items_of(step, thread);
  for (int64_t item = items.begin; item < items.end; ++item) {
    TokenRows rows = token_rows(step, weights, item % num_streams);
    rows.next = item + 1 < items.end ? first_keys(step, attention, layer, item + 1)
                                     : step.first_panel(weights.output, thread);
    attention.run(layer, item / num_streams, rows, scratch);
  }
}

}  // namespace

template <class T>
void add_attention(Step& step,
                   const StreamAttention<T>& attention,
                   int64_t layer,
                   int64_t thread,
                   std::byte* scratch) {
  const LayerWeights& weights = step.model.layer(layer);
  const Operand normed =
      step.operands.normed(step.x(), step.rows(), weights.attention_norm_D, thread);
  project_qkv(step, weights.qkv, normed, thread,
              first_keys(step, attention, layer, items_of(step, thread).begin));
  attend_heads(step, attention, layer, thread, scratch);
  step.team.barrier(thread);

  const Operand joined =
      step.operands.plain(step.joined(), step.rows(), weights.output.depth(), thread);
  step.multiply(weights.output, joined, step.x(), MatmulOutput::kAddFloat, thread,
                step.first_panel(weights.up, thread));
}

template void add_attention(Step&, const StreamAttention<float>&, int64_t, int64_t, std::byte*);
template void add_attention(Step&, const StreamAttention<Bfloat16>&, int64_t, int64_t, std::byte*);

}  // namespace brt
