// SPDX-License-Identifier: Apache-2.0
// The units of the recurrent cell, in the order of their stages.
#include "engine/state_update.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/alignment.h"
#include "engine/attention_vectors.h"
#include "kernels/attention_rows.h"
#include "kernels/gates.h"
#include "kernels/panels.h"
#include "kernels/rms_norm.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::Bfloat16;
using kernels::kPanelColumns;
using kernels::MatmulOutput;

namespace {

constexpr float kEpsilon = 1e-6F;

void add(const std::vector<float>& bias_D, float* x_D) {
  for (size_t d = 0; d < bias_D.size(); ++d) {
    x_D[d] += bias_D[d];
  }
}

}  // namespace

template <class T>
StateUpdate<T>::StateUpdate(const PackedModel& model, const StreamLayout& layout, int64_t layer)
    : model_(model),
      layout_(layout),
      config_(model.config()),
      layer_(layer),
      weights_(*model.layer(layer).cell),
      offsets_(layout.layers[static_cast<size_t>(layer)].cell) {
  const int64_t tiles = num_tiles();
  add_stage(&StateUpdate::add_state_ids, tiles);
  add_stage(&StateUpdate::project_keys_values, tiles * weights_.keys_values.num_panels());
  add_stage(&StateUpdate::store_keys_values, tiles * config_.num_heads);
  units_before_tokens_ = num_units_;
  add_stage(&StateUpdate::project_queries, tiles * weights_.queries.num_panels());
  add_stage(&StateUpdate::store_queries, tiles);
  add_stage(&StateUpdate::attend_states, tiles * config_.num_heads);
  add_stage(&StateUpdate::prepare_attended, tiles);
  add_stage(&StateUpdate::project_attended_states, tiles * weights_.state_projection.num_panels());
  const int64_t panels = kernels::num_panels(config_.window);
  for (int64_t panel = 0; panel < panels; ++panel) {
    add_stage(&StateUpdate::attend_previous_block, tiles * config_.num_heads, 0, panel);
  }
  for (int64_t panel = 0; panel < panels; ++panel) {
    add_stage(&StateUpdate::attend_block, tiles * config_.num_heads,
              std::min((panel + 1) * kPanelColumns, config_.window), panel);
  }
  add_end();
}

template <class T>
void StateUpdate<T>::add_stage(Function function, int64_t count, int64_t tokens, int64_t panel) {
  stages_.push_back({function, num_units_, count, panel, tokens});
  num_units_ += count;
}

/// What must wait for the block's last token.
template <class T>
void StateUpdate<T>::add_end() {
  const int64_t tiles = num_tiles();
  const int64_t window = config_.window;
  add_stage(&StateUpdate::prepare_attended, tiles, window);
  add_stage(&StateUpdate::project_attended_tokens, tiles * weights_.token_projection.num_panels(),
            window);
  switch (config_.cell) {
    case CellType::kSkip:
      add_stage(&StateUpdate::gate_skip, tiles, window);
      return;
    case CellType::kDual:
      add_stage(&StateUpdate::gate_dual, tiles, window);
      add_stage(&StateUpdate::project_up, tiles * weights_.up.num_panels(), window);
      add_stage(&StateUpdate::prepare_hidden, tiles, window);
      break;
    case CellType::kSingle:
      add_stage(&StateUpdate::prepare_single, tiles, window);
      break;
  }
  add_stage(&StateUpdate::project_down, tiles * weights_.down.num_panels(), window);
  add_stage(&StateUpdate::gate_hidden, tiles, window);
}

template <class T>
int64_t StateUpdate<T>::units_possible(int64_t tokens) const {
  for (const Stage& stage : stages_) {
    if (stage.tokens > tokens) {
      return stage.begin;
    }
  }
  return num_units_;
}

template <class T>
int64_t StateUpdate<T>::stage_end(int64_t unit) const {
  for (const Stage& stage : stages_) {
    if (unit < stage.begin + stage.count) {
      return stage.begin + stage.count;
    }
  }
  return num_units_;
}

template <class T>
void StateUpdate<T>::run(int64_t unit, StreamState& state, std::byte* scratch) const {
  for (const Stage& stage : stages_) {
    if (unit < stage.begin + stage.count) {
      (this->*stage.function)({state, unit - stage.begin, stage.panel, scratch});
      return;
    }
  }
}

template <class T>
int64_t StateUpdate<T>::num_tiles() const {
  return (config_.num_states + kTileRows - 1) / kTileRows;
}

template <class T>
typename StateUpdate<T>::Tile StateUpdate<T>::tile(int64_t index) const {
  const int64_t first = index * kTileRows;
  return {first, std::min(kTileRows, config_.num_states - first)};
}

template <class T>
float* StateUpdate<T>::floats(const Work& work, int64_t offset) const {
  return StateAccess::at<float>(work.state, offset);
}

/// A tile of attention, then vectors: [kTileRows, largest of D and K].
template <class T>
int64_t StateUpdate<T>::scratch_bytes() const {
  const int64_t keys = std::max(round_up(config_.num_states, kPanelColumns), kPanelColumns);
  return kTileRows * keys * static_cast<int64_t>(sizeof(float) + sizeof(T)) +
         aligned_bytes<float>(kTileRows * (std::max(config_.width, config_.head_size) + 1));
}

template <class T>
TileScratch<T> StateUpdate<T>::tile_scratch(const Work& work) const {
  TileScratch<T> scratch;
  scratch.stride = std::max(round_up(config_.num_states, kPanelColumns), kPanelColumns);
  scratch.logits = reinterpret_cast<float*>(work.scratch);
  scratch.weights = reinterpret_cast<T*>(scratch.logits + kTileRows * scratch.stride);
  return scratch;
}

template <class T>
float* StateUpdate<T>::vectors(const Work& work) const {
  const TileScratch<T> scratch = tile_scratch(work);
  return reinterpret_cast<float*>(scratch.weights + kTileRows * scratch.stride);
}

/// One tile and one panel of a product with the operand.
template <class T>
void StateUpdate<T>::product(const Work& work,
                             const WeightMatrix& matrix,
                             int64_t out,
                             MatmulOutput output) const {
  const Tile rows = tile(work.unit / matrix.num_panels());
  const int64_t panel = work.unit % matrix.num_panels();
  const std::byte* memory = StateAccess::at<std::byte>(work.state, offsets_.operand);
  const Operand operand = layout_.cell_operand.view(matrix.depth(), memory);
  matrix.multiply(operand.from_row(rows.first), rows.count, {panel, panel + 1},
                  floats(work, out) + rows.first * matrix.columns(), matrix.columns(), output);
}

/// s = rmsnorm(c) + state_ids
template <class T>
void StateUpdate<T>::add_state_ids(const Work& work) const {
  const Tile rows = tile(work.unit);
  const int64_t width = config_.width;
  float* with_ids_SD = vectors(work);
  normalize(work, rows, weights_.state_norm_D, with_ids_SD);
  const float* ids_SD = weights_.state_ids_SD.data() + rows.first * width;
  for (int64_t i = 0; i < rows.count * width; ++i) {
    with_ids_SD[i] += ids_SD[i];
  }
  make_operand(work, rows, with_ids_SD, width, width);
}

/// rmsnorm of the states of a tile.
template <class T>
void StateUpdate<T>::normalize(const Work& work,
                               const Tile& rows,
                               const std::vector<float>& gain_D,
                               float* out_SD) const {
  const int64_t width = config_.width;
  kernels::RmsNormArgs<float> args;
  args.x = floats(work, offsets_.state) + rows.first * width;
  args.gain = gain_D.data();
  args.out = out_SD;
  args.root = out_SD + kTileRows * width;
  args.width = width;
  args.epsilon = kEpsilon;
  kernels::rms_norm(args, 0, rows.count);
}

/// `x` points to the tile's first row.
template <class T>
void StateUpdate<T>::make_operand(
    const Work& work, const Tile& rows, const float* x, int64_t stride, int64_t depth) const {
  layout_.cell_operand.make(x - rows.first * stride, stride, depth, rows.first,
                            rows.first + rows.count,
                            StateAccess::at<std::byte>(work.state, offsets_.operand));
}

/// s [Wk' ; Wv']
template <class T>
void StateUpdate<T>::project_keys_values(const Work& work) const {
  product(work, weights_.keys_values, offsets_.qkv, MatmulOutput::kStoreFloat);
}

/// Ks and Vs of a tile and head into their panels.
template <class T>
void StateUpdate<T>::store_keys_values(const Work& work) const {
  static_assert(kTileRows == kPanelColumns);  // a tile's keys are one panel
  const int64_t index = work.unit / config_.num_heads;
  const int64_t head = work.unit % config_.num_heads;
  const Tile rows = tile(index);
  const int64_t head_size = config_.head_size;
  const int64_t stride = weights_.keys_values.columns();
  const float* qkv_SK = floats(work, offsets_.qkv) + rows.first * stride + head * head_size;

  float* keys_SK = vectors(work);
  for (int64_t s = 0; s < rows.count; ++s) {
    make_key(config_, qkv_SK + s * stride, keys_SK + s * head_size);
  }
  T* keys = StateAccess::at<T>(work.state, offsets_.keys + head * layout_.state_key_bytes);
  kernels::PackArgs<float, T> args;
  args.source = keys_SK;
  args.source_stride = head_size;
  args.panels = keys + index * kernels::panel_size(head_size, keys);
  args.depth = head_size;
  args.columns = rows.count;
  kernels::pack_columns(args, 0, 1);

  T* values = StateAccess::at<T>(work.state, offsets_.values + head * layout_.state_value_bytes);
  const int64_t value_panel = kernels::panel_size(config_.num_states, values);
  args.source_stride = stride;
  args.depth = rows.count;
  for (int64_t column = 0; column < head_size; column += kPanelColumns) {
    args.source = qkv_SK + weights_.keys_values.source_column(1) + column;
    args.panels = values + column / kPanelColumns * value_panel + rows.first * kPanelColumns;
    args.columns = std::min(kPanelColumns, head_size - column);
    kernels::pack_rows(args, 0, 1);
  }
}

/// s [Wq' ; Wq2']
template <class T>
void StateUpdate<T>::project_queries(const Work& work) const {
  product(work, weights_.queries, offsets_.qkv, MatmulOutput::kStoreFloat);
}

/// qs and qe of a tile.
template <class T>
void StateUpdate<T>::store_queries(const Work& work) const {
  const Tile rows = tile(work.unit);
  const int64_t head_size = config_.head_size;
  const int64_t joined = config_.num_heads * head_size;
  float* query_K = vectors(work);
  for (const int64_t source : {0, 1}) {
    T* out_SE =
        StateAccess::at<T>(work.state, source == 0 ? offsets_.queries : offsets_.cross_queries);
    for (int64_t s = rows.first; s < rows.first + rows.count; ++s) {
      const float* row = floats(work, offsets_.qkv) + s * weights_.queries.columns() +
                         weights_.queries.source_column(source);
      for (int64_t column = 0; column < joined; column += head_size) {
        make_query(config_, row + column, query_K);
        kernels::round_row(query_K, out_SE + s * joined + column, head_size);
      }
    }
  }
}

/// rs = attention(qs, Ks, Vs, |b|), of one tile and head.
template <class T>
void StateUpdate<T>::attend_states(const Work& work) const {
  const Tile rows = tile(work.unit / config_.num_heads);
  const int64_t head = work.unit % config_.num_heads;
  const int64_t joined = config_.num_heads * config_.head_size;
  const int64_t offset = rows.first * joined + head * config_.head_size;
  HeadPanels<T> states;
  states.keys = StateAccess::at<T>(work.state, offsets_.keys + head * layout_.state_key_bytes);
  states.values =
      StateAccess::at<T>(work.state, offsets_.values + head * layout_.state_value_bytes);
  states.head_size = config_.head_size;
  states.num_keys = config_.num_states;
  attend_all<T>(states, weights_.scale_H[static_cast<size_t>(head)],
                {StateAccess::at<T>(work.state, offsets_.queries) + offset, joined, rows.count},
                {floats(work, offsets_.attended) + offset, joined, rows.count}, tile_scratch(work));
}

/// rs or re as an operand.
template <class T>
void StateUpdate<T>::prepare_attended(const Work& work) const {
  const Tile rows = tile(work.unit);
  const int64_t joined = config_.num_heads * config_.head_size;
  make_operand(work, rows, floats(work, offsets_.attended) + rows.first * joined, joined, joined);
}

/// The part of rs in what reads [rs ; re].
template <class T>
void StateUpdate<T>::project_attended_states(const Work& work) const {
  product(work, weights_.state_projection, offsets_.projection, MatmulOutput::kStoreFloat);
}

template <class T>
void StateUpdate<T>::attend_previous_block(const Work& work) const {
  attend_panel(work, /*block=*/1);
}

template <class T>
void StateUpdate<T>::attend_block(const Work& work) const {
  attend_panel(work, /*block=*/0);
}

/// re = attention(qe, Ke, Ve, |b2|): one tile and head, and the next panel of keys. What the
/// panels give by themselves is joined by the logs of their softmaxes' denominators.
template <class T>
void StateUpdate<T>::attend_panel(const Work& work, int64_t block) const {
  const Tile rows = tile(work.unit / config_.num_heads);
  const int64_t head = work.unit % config_.num_heads;
  const bool is_first = block == 1 && work.panel == 0;
  const LayerOffsets& cache = layout_.layers[static_cast<size_t>(layer_)];
  const int64_t joined = config_.num_heads * config_.head_size;
  HeadPanels<T> tokens;
  tokens.keys = StateAccess::cache<T>(work.state, cache.keys, layout_.key_head_bytes, block, head);
  tokens.values =
      StateAccess::cache<T>(work.state, cache.values, layout_.value_head_bytes, block, head);
  tokens.head_size = config_.head_size;
  tokens.num_keys = config_.window;
  const T* query = StateAccess::at<T>(work.state, offsets_.cross_queries) + rows.first * joined +
                   head * config_.head_size;
  const int64_t first = work.panel * kPanelColumns;
  const bool is_hidden =
      block == 1 && config_.mask_empty_cache && work.state.tokens_read() < config_.window;
  const int64_t count = is_hidden ? 0 : std::min(kPanelColumns, config_.window - first);

  const TileScratch<T> scratch = tile_scratch(work);
  float* sum_RK = vectors(work);
  float log_sum_R[kTileRows];
  key_products<T>(tokens, {query, joined, rows.count}, {work.panel, work.panel + 1},
                  {scratch.logits, scratch.stride, rows.count});
  for (int64_t r = 0; r < rows.count; ++r) {
    kernels::AttentionRow row;
    row.product = scratch.logits + r * scratch.stride;
    row.scale = weights_.cross_scale_H[static_cast<size_t>(head)];
    row.count = count;
    log_sum_R[r] = kernels::attention_rows<T>().softmax(row, scratch.weights + r * scratch.stride);
  }
  weighted_values<T>(tokens, {scratch.weights, scratch.stride, rows.count}, first, count,
                     {sum_RK, config_.head_size, rows.count}, MatmulOutput::kStoreFloat);
  join(work, rows, head, {log_sum_R, sum_RK, is_first});
}

/// Adds a panel's part to re:  re = (e^l re + e^m part) / (e^l + e^m)  with the logs l and m.
template <class T>
void StateUpdate<T>::join(const Work& work,
                          const Tile& rows,
                          int64_t head,
                          const PanelPart& part) const {
  const int64_t head_size = config_.head_size;
  const int64_t heads = config_.num_heads;
  for (int64_t r = 0; r < rows.count; ++r) {
    const int64_t state = rows.first + r;
    float* out_K = floats(work, offsets_.attended) + (state * heads + head) * head_size;
    float& log_sum = floats(work, offsets_.log_sum)[state * heads + head];
    const float* part_K = part.sum_RK + r * head_size;
    if (part.is_first) {
      std::copy(part_K, part_K + head_size, out_K);
      log_sum = part.log_sum_R[r];
      continue;
    }
    const float larger = std::max(log_sum, part.log_sum_R[r]);
    const float joined =
        larger + std::log(std::exp(log_sum - larger) + std::exp(part.log_sum_R[r] - larger));
    const float old_share = std::exp(log_sum - joined);
    const float new_share = std::exp(part.log_sum_R[r] - joined);
    for (int64_t k = 0; k < head_size; ++k) {
      out_K[k] = out_K[k] * old_share + part_K[k] * new_share;
    }
    log_sum = joined;
  }
}

/// The part of re in what reads [rs ; re].
template <class T>
void StateUpdate<T>::project_attended_tokens(const Work& work) const {
  product(work, weights_.token_projection, offsets_.projection, MatmulOutput::kAddFloat);
}

/// c = gate(c, z = [rs ; re] Wo')
template <class T>
void StateUpdate<T>::gate_skip(const Work& work) const {
  const Tile rows = tile(work.unit);
  gate_rows(work, rows, weights_.gate, {weights_.token_projection, offsets_.projection, false});
}

/// c1 = gate(c, z = [rs ; re] Wo'), and rmsnorm(c1) as an operand.
template <class T>
void StateUpdate<T>::gate_dual(const Work& work) const {
  const Tile rows = tile(work.unit);
  gate_rows(work, rows, weights_.gate, {weights_.token_projection, offsets_.projection, false});
  float* normed_SD = vectors(work);
  normalize(work, rows, weights_.ffn_norm_D, normed_SD);
  make_operand(work, rows, normed_SD, config_.width, config_.width);
}

/// relu(rmsnorm(c1) W1')
template <class T>
void StateUpdate<T>::project_up(const Work& work) const {
  product(work, weights_.up, offsets_.hidden, MatmulOutput::kStoreFloat);
}

template <class T>
void StateUpdate<T>::prepare_hidden(const Work& work) const {
  relu(work, tile(work.unit), offsets_.hidden, weights_.up.columns());
}

/// single: relu([rs ; re] W1')
template <class T>
void StateUpdate<T>::prepare_single(const Work& work) const {
  relu(work, tile(work.unit), offsets_.projection, weights_.token_projection.columns());
}

/// relu of a tile's hidden units, which become an operand.
template <class T>
void StateUpdate<T>::relu(const Work& work,
                          const Tile& rows,
                          int64_t offset,
                          int64_t stride) const {
  float* hidden_SF = floats(work, offset) + rows.first * stride;
  for (int64_t i = 0; i < rows.count * stride; ++i) {
    hidden_SF[i] = hidden_SF[i] < 0.0F ? 0.0F : hidden_SF[i];
  }
  make_operand(work, rows, hidden_SF, stride, config_.ffn_width);
}

template <class T>
void StateUpdate<T>::project_down(const Work& work) const {
  product(work, weights_.down, offsets_.ffn_projection, MatmulOutput::kStoreFloat);
}

/// dual: c = gate(c1, z = hidden W2');  single: c = gate(c, z = tanh(hidden W2'))
template <class T>
void StateUpdate<T>::gate_hidden(const Work& work) const {
  const bool is_single = config_.cell == CellType::kSingle;
  gate_rows(work, tile(work.unit), is_single ? weights_.gate : weights_.ffn_gate,
            {weights_.down, offsets_.ffn_projection, is_single});
}

/// The gate on a tile's states, which are replaced. The maps are z and, for a lstm gate, h Wi and
/// h Wf.
template <class T>
void StateUpdate<T>::gate_rows(const Work& work,
                               const Tile& rows,
                               const GateWeights& gate,
                               const GateProjection& projection) const {
  const int64_t width = config_.width;
  const bool is_lstm = config_.gate == GateType::kLstm;
  const bool has_tanh = projection.has_tanh || (is_lstm && config_.candidate_tanh);
  float* next_D = vectors(work);
  for (int64_t s = rows.first; s < rows.first + rows.count; ++s) {
    float* state_D = floats(work, offsets_.state) + s * width;
    float* candidate_D = floats(work, projection.offset) + s * projection.matrix.columns();
    for (int64_t d = 0; d < width && has_tanh; ++d) {
      candidate_D[d] = std::tanh(candidate_D[d]);
    }
    if (is_lstm) {
      float* input_D = candidate_D + projection.matrix.source_column(1);
      float* forget_D = candidate_D + projection.matrix.source_column(2);
      add(gate.input_bias_D, input_D);
      add(gate.forget_bias_D, forget_D);
      kernels::lstm_gate(
          kernels::LstmGateArgs<float>{state_D, candidate_D, input_D, forget_D, next_D}, 0, width);
    } else {
      kernels::fixed_gate(
          kernels::FixedGateArgs<float>{state_D, candidate_D, gate.keep_D.data(), next_D, width}, 0,
          1);
    }
    std::copy(next_D, next_D + width, state_D);
  }
}

template class StateUpdate<float>;
template class StateUpdate<Bfloat16>;

}  // namespace brt
