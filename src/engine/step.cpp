// SPDX-License-Identifier: Apache-2.0
// Memory of a step, its rows, and products of all of them.
#include "engine/step.h"

#include <algorithm>
#include <utility>

#include "engine/alignment.h"

namespace brt {
namespace {

int64_t widest_qkv(const PackedModel& model) {
  int64_t widest = 0;
  for (int64_t layer = 0; layer < model.config().num_layers; ++layer) {
    widest = std::max(widest, model.layer(layer).qkv.columns());
  }
  return widest;
}

}  // namespace

Step::Step(const PackedModel& the_model,
           ThreadTeam& the_team,
           int64_t max_rows,
           int64_t max_logits_rows)
    : model(the_model),
      config(model.config()),
      team(the_team),
      operands(model.format(),
               team,
               std::max(max_rows, max_logits_rows),
               std::max({config.width, config.ffn_width, joined_width(config)}),
               config.width) {
  const std::pair<float**, int64_t> parts[] = {
      {&x_RD_, max_rows * config.width},
      {&qkv_RP_, max_rows * widest_qkv(model)},
      {&joined_RE_, max_rows * joined_width(config)},
      {&hidden_RF_, max_rows * config.ffn_width},
      {&chosen_RD_, max_logits_rows * config.width},
      {&logits_RV_, max_logits_rows * config.vocab_size},
  };
  int64_t bytes = 0;
  for (const auto& [pointer, size] : parts) {
    bytes += aligned_bytes<float>(size);
  }
  memory_ = AlignedBuffer(bytes);
  int64_t offset = 0;
  for (const auto& [pointer, size] : parts) {
    *pointer = memory_.at<float>(offset);
    offset += aligned_bytes<float>(size);
  }
  streams_.reserve(static_cast<size_t>(max_rows));
}

void Step::begin(std::span<const StepTokens> tokens) {
  streams_.clear();
  rows_ = 0;
  for (const StepTokens& stream : tokens) {
    const int64_t count = static_cast<int64_t>(stream.tokens.size());
    const int64_t position = stream.state->tokens_read() % config.window;
    streams_.push_back({stream.state, rows_, count, position});
    for (const int32_t token : stream.tokens) {
      const float* embedding_D = model.embedding().data() + token * config.width;
      std::copy(embedding_D, embedding_D + config.width, x() + rows_ * config.width);
      ++rows_;
    }
  }
}

void Step::multiply(const WeightMatrix& matrix,
                    const Operand& operand,
                    float* out,
                    kernels::MatmulOutput output,
                    int64_t thread,
                    const std::byte* next) {
  matrix.multiply(operand, rows_, team.part(matrix.num_panels(), thread), out, matrix.columns(),
                  output, next);
  team.barrier(thread);
}

}  // namespace brt
