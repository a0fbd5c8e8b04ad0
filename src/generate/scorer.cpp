// SPDX-License-Identifier: Apache-2.0
// Text to tokens to losses, piece by piece.
#include "generate/scorer.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace brt {
namespace {

/// Nats of each target, float64: log(sum(exp(logits))) - logits[target].
std::vector<double> target_nats(const at::Tensor& logits_MV, std::span<const int32_t> targets) {
  const at::NoGradGuard no_grad;
  const at::Tensor targets_M = at::empty({static_cast<int64_t>(targets.size())}, at::kLong);
  std::copy(targets.begin(), targets.end(), targets_M.data_ptr<int64_t>());
  const at::Tensor wide_MV = logits_MV.to(at::kDouble);
  const at::Tensor chosen_M = wide_MV.gather(1, targets_M.unsqueeze(1)).squeeze(1);
  const at::Tensor nats_M = (at::logsumexp(wide_MV, 1) - chosen_M).contiguous();
  const double* nats = nats_M.data_ptr<double>();
  return {nats, nats + nats_M.numel()};
}

}  // namespace

Scorer::Scorer(LanguageModel model,
               const ForwardOptions& options,
               const Tokenizer& tokenizer,
               Visit visit)
    : stream_(std::move(model), options), tokenizer_(tokenizer), visit_(std::move(visit)) {}

void Scorer::append(std::string_view part) {
  total_.bytes += static_cast<int64_t>(part.size());
  chunker_.append(part);
  score_pieces();
}

ScoreTotal Scorer::finish() {
  chunker_.finish();
  score_pieces();
  score({tokenizer_.document_end()});
  return total_;
}

void Scorer::score_pieces() {
  while (const std::optional<std::string> piece = chunker_.next()) {
    std::vector<int32_t> tokens;
    tokenizer_.encode(*piece, tokens);
    if (!tokens.empty()) {
      score(tokens);
    }
  }
}

void Scorer::score(const std::vector<int32_t>& tokens) {
  const std::span<const int32_t> all = tokens;
  if (next_index_ == 0) {
    give_out(tokens[0], std::nullopt);
  } else {
    give_out(tokens[0], target_nats(stream_.logits().unsqueeze(0), all.first(1))[0]);
  }
  size_t next = 1;
  stream_.feed(all, [&](const at::Tensor& logits_MV) {
    // The row of the last token predicts what comes with the next call.
    const size_t rows = std::min(static_cast<size_t>(logits_MV.size(0)), all.size() - next);
    const std::span<const int32_t> targets = all.subspan(next, rows);
    const std::vector<double> nats =
        target_nats(logits_MV.narrow(0, 0, static_cast<int64_t>(rows)), targets);
    for (size_t row = 0; row < rows; ++row) {
      give_out(targets[row], nats[row]);
    }
    next += rows;
  });
}

void Scorer::give_out(int32_t token, std::optional<double> nats) {
  TokenScore score;
  score.index = next_index_;
  score.token = token;
  score.bytes = tokenizer_.token_bytes(token);
  score.byte_offset = byte_offset_;
  score.nats = nats;
  ++next_index_;
  byte_offset_ += static_cast<int64_t>(score.bytes.size());
  if (nats) {
    total_.tokens += 1;
    total_.nats += *nats;
  }
  visit_(score);
}

}  // namespace brt
