// SPDX-License-Identifier: Apache-2.0
// The units' operands in a stream's memory; cell_equations.h has the formulas.
#include "engine/state_update.h"

#include <algorithm>
#include <span>

#include "engine/alignment.h"
#include "engine/cell_equations.h"
#include "engine/relu.h"
#include "engine/rms_norm_rows.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::kAttentionRows;
using kernels::kPanelColumns;

std::span<float> row_span(float* rows, int64_t first, int64_t count, int64_t width) {
  return {rows + first * width, static_cast<size_t>(count * width)};
}

}  // namespace

template <class T>
StateUpdate<T>::StateUpdate(const PackedModel& model, const StreamLayout& layout, int64_t layer)
    : layout_(layout),
      config_(model.config()),
      layer_(layer),
      weights_(*model.layer(layer).cell),
      units_(config_, weights_) {}

template <class T>
void StateUpdate<T>::run(int64_t unit, StreamState& state, std::byte* scratch) const {
  const UpdateUnit what = units_.at(unit);
  const Work work = work_of(what, state, scratch);
  switch (what.stage) {
    case UpdateStage::kAddStateIds:
      return prepare_states(work);
    case UpdateStage::kProjectKeysValues:
      return multiply(work, weights_.keys_values, work.cell.qkv_SP);
    case UpdateStage::kPackKeysValues:
      return pack_keys_values(work);
    case UpdateStage::kProjectQueries:
      return multiply(work, weights_.queries, work.cell.qkv_SP);
    case UpdateStage::kMakeQueries:
      return make_queries(work);
    case UpdateStage::kAttendStates:
      return attend_states(work);
    case UpdateStage::kRoundAttendedStates:
    case UpdateStage::kRoundAttendedTokens:
      return make_operand(work, work.cell.attended_SE + work.first * heads_width(config_),
                          heads_width(config_), heads_width(config_));
    case UpdateStage::kProjectAttendedStates:
      return multiply(work, weights_.state_projection, work.cell.projection_SP);
    case UpdateStage::kAttendPreviousBlock:
      return attend_tokens(work, kPreviousBlock);
    case UpdateStage::kAttendBlock:
      return attend_tokens(work, kCurrentBlock);
    case UpdateStage::kProjectAttendedTokens:
      return multiply(work, weights_.token_projection, work.cell.projection_SP,
                      kernels::MatmulOutput::kAddFloat);
    case UpdateStage::kGateAttended:
      return gate_attended(work);
    case UpdateStage::kProjectUp:
      return multiply(work, weights_.up, work.cell.hidden_SF);
    case UpdateStage::kActivate:
      return activate(work);
    case UpdateStage::kProjectDown:
      return multiply(work, weights_.down, work.cell.ffn_projection_SP);
    case UpdateStage::kGateHidden:
      return gate_hidden(work);
  }
}

/// Room for the states as keys, or a panel of tokens.
template <class T>
int64_t StateUpdate<T>::logits_stride() const {
  return std::max(round_up(config_.num_states, kPanelColumns), kPanelColumns);
}

template <class T>
int64_t StateUpdate<T>::scratch_bytes() const {
  const int64_t attention =
      kAttentionRows * logits_stride() * static_cast<int64_t>(sizeof(float) + sizeof(T));
  const int64_t vectors = kAttentionRows * (std::max(config_.width, config_.head_size) + 1);
  return attention + aligned_bytes<float>(vectors);
}

template <class T>
typename StateUpdate<T>::Work StateUpdate<T>::work_of(const UpdateUnit& unit,
                                                      StreamState& state,
                                                      std::byte* scratch) const {
  const int64_t first = unit.tile * kAttentionRows;
  const int64_t elements = kAttentionRows * logits_stride();
  float* logits = reinterpret_cast<float*>(scratch);
  T* weights = reinterpret_cast<T*>(logits + elements);
  return {.state = state,
          .cell = StateAccess::cell<T>(state, layer_),
          .first = first,
          .count = std::min(kAttentionRows, config_.num_states - first),
          .part = unit.part,
          .key_panel = unit.key_panel,
          .attention = {logits, weights, logits_stride()},
          .vectors = reinterpret_cast<float*>(weights + elements)};
}

/// The tile's rows, and one panel of columns, of operand times matrix.
template <class T>
void StateUpdate<T>::multiply(const Work& work,
                              const WeightMatrix& matrix,
                              float* out_SP,
                              kernels::MatmulOutput output) const {
  const Operand operand = layout_.cell_operand.view(matrix.depth(), work.cell.operand);
  matrix.multiply(operand.from_row(work.first), work.count, {work.part, work.part + 1},
                  out_SP + work.first * matrix.columns(), matrix.columns(), output);
}

/// Rows of the tile as rows of the operand.
template <class T>
void StateUpdate<T>::make_operand(const Work& work,
                                  const float* rows,
                                  int64_t stride,
                                  int64_t depth) const {
  layout_.cell_operand.make({rows, stride, work.count}, depth, work.first, work.cell.operand);
}

/// s = rmsnorm(c) + state_ids, as an operand.
template <class T>
void StateUpdate<T>::prepare_states(const Work& work) const {
  const int64_t width = config_.width;
  const std::span<float> with_ids_RD = row_span(work.vectors, 0, work.count, width);
  const std::span<const float> ids_SD = weights_.state_ids_SD;
  add_state_ids(row_span(work.cell.state_SD, work.first, work.count, width), weights_.state_norm_D,
                ids_SD.subspan(static_cast<size_t>(work.first * width), with_ids_RD.size()),
                with_ids_RD, work.vectors + kAttentionRows * width);
  make_operand(work, work.vectors, width, width);
}

/// Ks and Vs of one head.
template <class T>
void StateUpdate<T>::pack_keys_values(const Work& work) const {
  static_assert(kAttentionRows == kPanelColumns);  // a tile's keys are one panel
  const StreamHead of = {work.state, layer_, work.part};
  const int64_t stride = weights_.keys_values.columns();
  const float* keys_RK = work.cell.qkv_SP + work.first * stride + work.part * config_.head_size;
  T* keys = StateAccess::state_keys<T>(of);
  const int64_t panel = work.first / kPanelColumns;
  pack_state_keys(config_, {keys_RK, stride, work.count}, work.vectors,
                  keys + panel * kernels::panel_size(config_.head_size, keys));
  const float* values_RK = keys_RK + weights_.keys_values.source_column(1);
  pack_state_values(config_, {values_RK, stride, work.count}, work.first,
                    StateAccess::state_values<T>(of));
}

/// qs and qe.
template <class T>
void StateUpdate<T>::make_queries(const Work& work) const {
  const int64_t stride = heads_width(config_);
  for (int64_t s = work.first; s < work.first + work.count; ++s) {
    const float* row_P = work.cell.qkv_SP + s * weights_.queries.columns();
    make_state_queries(config_, row_P, work.vectors, work.cell.queries_SE + s * stride);
    make_state_queries(config_, row_P + weights_.queries.source_column(1), work.vectors,
                       work.cell.cross_queries_SE + s * stride);
  }
}

/// rs of one head.
template <class T>
void StateUpdate<T>::attend_states(const Work& work) const {
  const StreamHead of = {work.state, layer_, work.part};
  const int64_t stride = heads_width(config_);
  const int64_t column = work.first * stride + work.part * config_.head_size;
  kernels::FullAttention<T> args;
  args.keys = {StateAccess::state_keys<T>(of), config_.head_size, config_.num_states};
  args.values = {StateAccess::state_values<T>(of), config_.num_states, config_.head_size};
  args.num_keys = config_.num_states;
  args.scale = weights_.scale_H[static_cast<size_t>(work.part)];
  args.queries = {work.cell.queries_SE + column, stride, work.count};
  args.out = work.cell.attended_SE + column;
  args.out_stride = stride;
  args.scratch = work.attention;
  kernels::full_attention(args);
}

/// re of one head: attention over the keys so far is joined with that over the next panel.
template <class T>
void StateUpdate<T>::attend_tokens(const Work& work, int64_t block) const {
  const StreamHead of = {work.state, layer_, work.part};
  const int64_t head_size = config_.head_size;
  const int64_t stride = heads_width(config_);
  const int64_t column = work.first * stride + work.part * head_size;
  const bool is_hidden = block == kPreviousBlock && config_.mask_empty_cache &&
                         work.state.tokens_read() < config_.window;
  float log_sum_R[kAttentionRows];
  kernels::FullAttention<T> args;
  args.keys = {StateAccess::keys<T>(of, block), head_size, config_.window};
  args.values = {StateAccess::values<T>(of, block), config_.window, head_size};
  args.first_key = work.key_panel * kPanelColumns;
  args.num_keys = is_hidden ? 0 : std::min(kPanelColumns, config_.window - args.first_key);
  args.scale = weights_.cross_scale_H[static_cast<size_t>(work.part)];
  args.queries = {work.cell.cross_queries_SE + column, stride, work.count};
  args.out = work.vectors;
  args.out_stride = head_size;
  args.log_sum = log_sum_R;
  args.scratch = work.attention;
  kernels::full_attention(args);

  const bool is_first = block == kPreviousBlock && work.key_panel == 0;
  for (int64_t r = 0; r < work.count; ++r) {
    const std::span<const float> part_K = row_span(work.vectors, r, 1, head_size);
    const std::span<float> attended_K = {work.cell.attended_SE + column + r * stride,
                                         static_cast<size_t>(head_size)};
    float& log_sum = work.cell.log_sum_SH[(work.first + r) * config_.num_heads + work.part];
    if (is_first) {
      std::ranges::copy(part_K, attended_K.begin());
      log_sum = log_sum_R[r];
    } else {
      join_attention(attended_K, log_sum, part_K, log_sum_R[r]);
    }
  }
}

/// skip, dual: c = gate(c, z = [rs ; re] Wo'); dual: rmsnorm(c) as an operand.
template <class T>
void StateUpdate<T>::gate_attended(const Work& work) const {
  apply_gate(work, weights_.gate, weights_.token_projection, work.cell.projection_SP);
  if (config_.cell == CellType::kDual) {
    const int64_t width = config_.width;
    rms_norm_rows(row_span(work.cell.state_SD, work.first, work.count, width), weights_.ffn_norm_D,
                  work.vectors, work.vectors + kAttentionRows * width);
    make_operand(work, work.vectors, width, width);
  }
}

/// h = relu(..) as an operand: of rmsnorm(c) W1' or, single, of [rs ; re] W1'.
template <class T>
void StateUpdate<T>::activate(const Work& work) const {
  const bool is_single = config_.cell == CellType::kSingle;
  float* hidden_SF = is_single ? work.cell.projection_SP : work.cell.hidden_SF;
  const int64_t stride = is_single ? weights_.token_projection.columns() : weights_.up.columns();
  const std::span<float> hidden_RF = row_span(hidden_SF, work.first, work.count, stride);
  relu(hidden_RF);
  make_operand(work, hidden_RF.data(), stride, config_.ffn_width);
}

/// dual: c = gate(c, z = h W2');  single: c = gate(c, z = tanh(h W2')).
template <class T>
void StateUpdate<T>::gate_hidden(const Work& work) const {
  const bool is_single = config_.cell == CellType::kSingle;
  apply_gate(work, is_single ? weights_.gate : weights_.ffn_gate, weights_.down,
             work.cell.ffn_projection_SP);
}

/// The gate of the tile's states. The projection is z and, of an lstm gate, h Wi and h Wf.
template <class T>
void StateUpdate<T>::apply_gate(const Work& work,
                                const GateWeights& gate,
                                const WeightMatrix& matrix,
                                float* projection_SP) const {
  const bool is_lstm = config_.gate == GateType::kLstm;
  const bool has_tanh = config_.cell == CellType::kSingle || (is_lstm && config_.candidate_tanh);
  for (int64_t s = work.first; s < work.first + work.count; ++s) {
    const std::span<float> state_D = row_span(work.cell.state_SD, s, 1, config_.width);
    float* candidate_D = projection_SP + s * matrix.columns();
    if (has_tanh) {
      apply_tanh({candidate_D, state_D.size()});
    }
    if (is_lstm) {
      apply_lstm_gate(gate, state_D,
                      {candidate_D, candidate_D + matrix.source_column(1),
                       candidate_D + matrix.source_column(2)},
                      work.vectors);
    } else {
      apply_fixed_gate(gate, state_D, candidate_D, work.vectors);
    }
  }
}

template class StateUpdate<float>;
template class StateUpdate<Bfloat16>;

}  // namespace brt
