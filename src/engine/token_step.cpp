// SPDX-License-Identifier: Apache-2.0
// The stack of layers for a step's rows, computed by all threads side by side.
//
// Every thread runs the same function. A product is divided by panels of columns, attention by
// heads and streams; a barrier stands wherever one reads what another wrote. Few rows are
// normalised and rounded by every thread for itself, which is cheaper than a barrier more.
#include "engine/token_step.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/alignment.h"
#include "engine/state_update.h"
#include "engine/stream_attention.h"
#include "kernels/rms_norm.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::MatmulOutput;

constexpr float kNormEpsilon = 1e-6F;
/// Up to this many rows are prepared by every thread for itself.
constexpr int64_t kPrivateRows = 4;

/// One stream and recurrent layer whose state moves on in a step.
template <class T>
struct PendingUpdate {
  const StateUpdate<T>* update = nullptr;
  StreamState* state = nullptr;
  int64_t done = 0;
  int64_t target = 0;
};

template <class T>
class TokenStepOf : public TokenStep {
 public:
  TokenStepOf(const PackedModel& model,
              const StreamLayout& layout,
              ThreadTeam& team,
              int64_t max_rows,
              int64_t max_logits_rows)
      : model_(model),
        config_(model.config()),
        layout_(layout),
        team_(team),
        attention_(model, layout),
        shared_operand_(model.format(), max_rows, deepest()),
        private_operand_(model.format(), kPrivateRows, deepest()) {
    for (const int64_t layer : config_.recurrent_layers) {
      updates_.emplace_back(model, layout, layer);
    }
    allocate(max_rows, max_logits_rows);
  }

  void read(std::span<const StepTokens> streams) override {
    begin_step(streams);
    team_.run([this](int64_t thread) {
      std::vector<PendingUpdate<T>>& pending = threads_[static_cast<size_t>(thread)].pending;
      plan_updates(pending, /*before_tokens=*/true);
      run_updates(pending, thread);
      for (int64_t layer = 0; layer < config_.num_layers; ++layer) {
        attend(layer, thread);
        feed_forward(layer, thread);
      }
      plan_updates(pending, /*before_tokens=*/false);
      run_updates(pending, thread);
    });
    end_step();
  }

  const float* logits(std::span<const int64_t> rows) override {
    const int64_t count = static_cast<int64_t>(rows.size());
    for (int64_t i = 0; i < count; ++i) {
      const float* row = x_RD_ + rows[static_cast<size_t>(i)] * config_.width;
      std::copy(row, row + config_.width, chosen_RD_ + i * config_.width);
    }
    team_.run([this, count](int64_t thread) {
      const Operand operand = normed_operand(chosen_RD_, count, model_.final_norm(), thread);
      const Range panels = team_.part(model_.logits().num_panels(), thread);
      model_.logits().multiply(operand, count, panels, logits_RV_, config_.vocab_size);
      scale_logits(count, panels);
    });
    return logits_RV_;
  }

  void rotate_keys(StreamState& state) const override { attention_.rotate_keys(state); }

 private:
  /// What one thread has for itself.
  struct PerThread {
    AlignedBuffer scratch;    ///< for attention and the updates of states
    AlignedBuffer normed_RD;  ///< [kPrivateRows, D] and the norms' roots
    AlignedBuffer operand;    ///< of kPrivateRows rows
    std::vector<PendingUpdate<T>> pending;
  };
  struct StepStream {
    StreamState* state = nullptr;
    int64_t first_row = 0;
    int64_t rows = 0;
    int64_t position = 0;  ///< of the first row in the stream's block
  };

  const PackedModel& model_;
  const ModelConfig& config_;
  const StreamLayout& layout_;
  ThreadTeam& team_;
  StreamAttention<T> attention_;
  std::vector<StateUpdate<T>> updates_;
  OperandRows shared_operand_;
  OperandRows private_operand_;
  AlignedBuffer memory_;
  std::vector<PerThread> threads_;
  // Parts of memory_.
  float* x_RD_ = nullptr;  ///< the residual stream
  float* normed_RD_ = nullptr;
  float* root_R_ = nullptr;
  float* qkv_RP_ = nullptr;     ///< k, v, q, q2
  float* joined_RE_ = nullptr;  ///< [ys ; yc]
  float* hidden_RF_ = nullptr;
  float* chosen_RD_ = nullptr;  ///< rows whose logits are wanted
  float* logits_RV_ = nullptr;
  std::byte* operand_memory_ = nullptr;
  // Of the current step.
  std::vector<StepStream> streams_;
  int64_t rows_ = 0;

  int64_t deepest() const {
    return std::max({config_.width, config_.ffn_width, joined_width(config_)});
  }

  void allocate(int64_t max_rows, int64_t max_logits_rows) {
    int64_t head_columns = 0;
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      head_columns = std::max(head_columns, model_.layer(i).qkv.columns());
    }
    const int64_t normed_rows = std::max(max_rows, max_logits_rows);
    const std::pair<float**, int64_t> parts[] = {
        {&x_RD_, max_rows * config_.width},
        {&normed_RD_, normed_rows * config_.width},
        {&root_R_, normed_rows},
        {&qkv_RP_, max_rows * head_columns},
        {&joined_RE_, max_rows * joined_width(config_)},
        {&hidden_RF_, max_rows * config_.ffn_width},
        {&chosen_RD_, max_logits_rows * config_.width},
        {&logits_RV_, max_logits_rows * config_.vocab_size},
    };
    int64_t bytes = 0;
    for (const auto& [pointer, size] : parts) {
      bytes += aligned_bytes<float>(size);
    }
    memory_ = AlignedBuffer(bytes + shared_operand_.bytes());
    int64_t offset = 0;
    for (const auto& [pointer, size] : parts) {
      *pointer = memory_.at<float>(offset);
      offset += aligned_bytes<float>(size);
    }
    operand_memory_ = memory_.at<std::byte>(offset);
    int64_t scratch_bytes = attention_.scratch_bytes();
    for (const StateUpdate<T>& update : updates_) {
      scratch_bytes = std::max(scratch_bytes, update.scratch_bytes());
    }
    threads_.resize(static_cast<size_t>(team_.most()));
    for (PerThread& own : threads_) {
      own.scratch = AlignedBuffer(scratch_bytes);
      own.normed_RD = AlignedBuffer(aligned_bytes<float>(kPrivateRows * (config_.width + 1)));
      own.operand = AlignedBuffer(private_operand_.bytes());
    }
    streams_.reserve(static_cast<size_t>(max_rows));
    for (PerThread& own : threads_) {
      own.pending.reserve(static_cast<size_t>(max_rows) * updates_.size());
    }
  }

  void begin_step(std::span<const StepTokens> streams) {
    streams_.clear();
    rows_ = 0;
    for (const StepTokens& stream : streams) {
      const int64_t count = static_cast<int64_t>(stream.tokens.size());
      const int64_t position = stream.state->tokens_read() % config_.window;
      streams_.push_back({stream.state, rows_, count, position});
      for (const int32_t token : stream.tokens) {
        const float* row = model_.embedding().data() + token * config_.width;
        std::copy(row, row + config_.width, x_RD_ + rows_ * config_.width);
        ++rows_;
      }
    }
  }

  void end_step() {
    const std::vector<PendingUpdate<T>>& pending = threads_[0].pending;
    for (const PendingUpdate<T>& entry : pending) {
      const bool block_ends = entry.done == entry.update->num_units();
      StateAccess::units_done(*entry.state, entry.update->layer()) = block_ends ? 0 : entry.done;
    }
    for (const StepStream& stream : streams_) {
      StateAccess::tokens_read(*stream.state) += stream.rows;
    }
  }

  /// The same in every thread.
  void plan_updates(std::vector<PendingUpdate<T>>& pending, bool before_tokens) {
    size_t index = 0;
    if (before_tokens) {
      pending.clear();
    }
    for (const StepStream& stream : streams_) {
      for (const StateUpdate<T>& update : updates_) {
        if (before_tokens) {
          const int64_t done = StateAccess::units_done(*stream.state, update.layer());
          pending.push_back({&update, stream.state, done, update.units_before_tokens()});
        } else {
          pending[index].target = target_units(update, stream);
        }
        ++index;
      }
    }
  }

  /// Units to be done at the end of the step: their share of the block's tokens, so that they are
  /// spread evenly when tokens come one at a time, in turns that occupy all threads.
  int64_t target_units(const StateUpdate<T>& update, const StepStream& stream) const {
    const int64_t tokens = stream.position + stream.rows;
    const int64_t share = (update.num_units() * tokens + config_.window - 1) / config_.window;
    return std::min(update.units_possible(tokens), round_up(share, team_.size()));
  }

  /// All units from done to target, stage by stage, of all streams together.
  void run_updates(std::vector<PendingUpdate<T>>& pending, int64_t thread) {
    while (true) {
      int64_t count = 0;
      for (const PendingUpdate<T>& entry : pending) {
        count += std::max<int64_t>(end_of_pass(entry) - entry.done, 0);
      }
      if (count == 0) {
        return;
      }
      const Range part = team_.part(count, thread);
      int64_t index = 0;
      for (PendingUpdate<T>& entry : pending) {
        const int64_t end = end_of_pass(entry);
        for (; entry.done < end; ++entry.done, ++index) {
          if (part.begin <= index && index < part.end) {
            entry.update->run(entry.done, *entry.state,
                              threads_[static_cast<size_t>(thread)].scratch.data());
          }
        }
      }
      team_.barrier(thread);
    }
  }

  int64_t end_of_pass(const PendingUpdate<T>& entry) const {
    return entry.done >= entry.target ? entry.done
                                      : std::min(entry.update->stage_end(entry.done), entry.target);
  }

  /// Rows as an operand: each thread's own if they are few, else shared, behind a barrier.
  Operand operand_of(const float* x, int64_t rows, int64_t depth, int64_t thread) {
    if (rows <= kPrivateRows) {
      std::byte* memory = threads_[static_cast<size_t>(thread)].operand.data();
      private_operand_.make(x, depth, depth, 0, rows, memory);
      return private_operand_.view(depth, memory);
    }
    const Range part = team_.part(rows, thread);
    shared_operand_.make(x, depth, depth, part.begin, part.end, operand_memory_);
    team_.barrier(thread);
    return shared_operand_.view(depth, operand_memory_);
  }

  /// rmsnorm(x) as an operand.
  Operand normed_operand(const float* x,
                         int64_t rows,
                         const std::vector<float>& gain_D,
                         int64_t thread) {
    const int64_t width = config_.width;
    kernels::RmsNormArgs<float> args;
    args.x = x;
    args.gain = gain_D.data();
    args.width = width;
    args.epsilon = kNormEpsilon;
    if (rows <= kPrivateRows) {
      float* normed = threads_[static_cast<size_t>(thread)].normed_RD.template at<float>(0);
      args.out = normed;
      args.root = normed + kPrivateRows * width;
      kernels::rms_norm(args, 0, rows);
      return operand_of(normed, rows, width, thread);
    }
    args.out = normed_RD_;
    args.root = root_R_;
    const Range part = team_.part(rows, thread);
    kernels::rms_norm(args, part.begin, part.end);
    return operand_of(normed_RD_, rows, width, thread);  // divides the rows alike
  }

  void multiply(const WeightMatrix& matrix,
                const Operand& operand,
                float* out,
                MatmulOutput output,
                int64_t thread,
                const std::byte* next) {
    matrix.multiply(operand, rows_, team_.part(matrix.num_panels(), thread), out, matrix.columns(),
                    output, next);
    team_.barrier(thread);
  }

  /// Where a thread begins to read a matrix; nearly so for the projection of heads.
  const std::byte* first_panel(const WeightMatrix& matrix, int64_t thread) const {
    return matrix.panel(team_.part(matrix.num_panels(), thread).begin);
  }

  /// x = x + [ys ; yc] Wo
  void attend(int64_t layer, int64_t thread) {
    const LayerWeights& weights = model_.layer(layer);
    const Operand normed = normed_operand(x_RD_, rows_, weights.attention_norm_D, thread);
    project_qkv(layer, normed, thread);
    attend_heads(layer, thread);
    team_.barrier(thread);

    const Operand joined = operand_of(joined_RE_, rows_, weights.output.depth(), thread);
    multiply(weights.output, joined, x_RD_, MatmulOutput::kAddFloat, thread,
             first_panel(weights.up, thread));
  }

  /// Whole heads fall to every thread, and each makes those that it attends with: nobody waits.
  bool are_heads_divided() const {
    return config_.head_size % kernels::kPanelColumns == 0 && config_.num_heads % team_.size() == 0;
  }

  /// Panels of a source of the heads' matrix that the thread makes, if heads are divided.
  Range head_panels(const WeightMatrix& matrix, int64_t source, int64_t thread) const {
    const int64_t of_head = config_.head_size / kernels::kPanelColumns;
    const int64_t first = matrix.source_column(source) / kernels::kPanelColumns;
    const Range heads = team_.part(config_.num_heads, thread);
    return {first + heads.begin * of_head, first + heads.end * of_head};
  }

  /// k, v, q, q2.
  void project_qkv(int64_t layer, const Operand& normed, int64_t thread) {
    const WeightMatrix& matrix = model_.layer(layer).qkv;
    const std::byte* keys = static_cast<const std::byte*>(first_keys(layer, thread));
    if (!are_heads_divided()) {
      multiply(matrix, normed, qkv_RP_, MatmulOutput::kStoreFloat, thread, keys);
      return;
    }
    for (int64_t source = 0; source < matrix.num_sources(); ++source) {
      const bool is_last = source + 1 == matrix.num_sources();
      matrix.multiply(normed, rows_, head_panels(matrix, source, thread), qkv_RP_, matrix.columns(),
                      MatmulOutput::kStoreFloat,
                      is_last ? keys : matrix.panel(head_panels(matrix, source + 1, thread).begin));
    }
  }

  /// Of the first head and stream that the thread attends with.
  const void* first_keys(int64_t layer, int64_t thread) const {
    const int64_t num_streams = static_cast<int64_t>(streams_.size());
    const int64_t item = team_.part(config_.num_heads * num_streams, thread).begin;
    return attention_.first_keys(layer, item / num_streams, token_rows(layer, item % num_streams));
  }

  /// Every head of every stream. While one is read, the start of the next one's caches comes.
  void attend_heads(int64_t layer, int64_t thread) {
    const int64_t num_streams = static_cast<int64_t>(streams_.size());
    const Range items = team_.part(config_.num_heads * num_streams, thread);
    for (int64_t item = items.begin; item < items.end; ++item) {
      TokenRows rows = token_rows(layer, item % num_streams);
      const int64_t next = item + 1;
      rows.next = next < items.end ? attention_.first_keys(layer, next / num_streams,
                                                           token_rows(layer, next % num_streams))
                                   : first_panel(model_.layer(layer).output, thread);
      attention_.run(layer, item / num_streams, rows,
                     threads_[static_cast<size_t>(thread)].scratch.data());
    }
  }

  TokenRows token_rows(int64_t layer, int64_t stream_index) const {
    const LayerWeights& weights = model_.layer(layer);
    const StepStream& stream = streams_[static_cast<size_t>(stream_index)];
    TokenRows rows;
    rows.state = stream.state;
    rows.first = stream.position;
    rows.count = stream.rows;
    rows.qkv_stride = weights.qkv.columns();
    rows.qkv_RP = qkv_RP_ + stream.first_row * rows.qkv_stride;
    rows.joined_stride = weights.output.depth();
    rows.joined_RE = joined_RE_ + stream.first_row * rows.joined_stride;
    return rows;
  }

  /// x = x + relu(rmsnorm(x) W1) W2
  void feed_forward(int64_t layer, int64_t thread) {
    const LayerWeights& weights = model_.layer(layer);
    const Operand normed = normed_operand(x_RD_, rows_, weights.ffn_norm_D, thread);
    const Range panels = team_.part(weights.up.num_panels(), thread);
    weights.up.multiply(normed, rows_, panels, hidden_RF_, config_.ffn_width,
                        MatmulOutput::kStoreFloat, first_panel(weights.down, thread));
    relu(panels);
    team_.barrier(thread);
    const Operand hidden = operand_of(hidden_RF_, rows_, config_.ffn_width, thread);
    const WeightMatrix& next =
        layer + 1 < config_.num_layers ? model_.layer(layer + 1).qkv : model_.logits();
    multiply(weights.down, hidden, x_RD_, MatmulOutput::kAddFloat, thread,
             first_panel(next, thread));
  }

  /// relu of the hidden units of some panels.
  void relu(const Range& panels) {
    const int64_t begin = panels.begin * kernels::kPanelColumns;
    const int64_t end = std::min(panels.end * kernels::kPanelColumns, config_.ffn_width);
    for (int64_t row = 0; row < rows_; ++row) {
      float* hidden_F = hidden_RF_ + row * config_.ffn_width;
      for (int64_t f = begin; f < end; ++f) {
        hidden_F[f] = hidden_F[f] < 0.0F ? 0.0F : hidden_F[f];
      }
    }
  }

  /// / sqrt(D)
  void scale_logits(int64_t rows, const Range& panels) {
    const float scale = 1.0F / std::sqrt(static_cast<float>(config_.width));
    const int64_t begin = panels.begin * kernels::kPanelColumns;
    const int64_t end = std::min(panels.end * kernels::kPanelColumns, config_.vocab_size);
    for (int64_t row = 0; row < rows; ++row) {
      float* logits_V = logits_RV_ + row * config_.vocab_size;
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
