// SPDX-License-Identifier: Apache-2.0
// Text to tokens to losses, piece by piece.
#include "generate/scorer.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "generate/predictions.h"

namespace brt {

Scorer::Scorer(Engine& engine, const Tokenizer& tokenizer, Session& session, Visit visit)
    : engine_(engine),
      tokenizer_(tokenizer),
      session_(session),
      visit_(std::move(visit)),
      next_index_(session.stream.tokens_read()) {}

void Scorer::append(std::string_view part) {
  chunker_.append(part);
  score_pieces();
}

void Scorer::cut() {
  chunker_.finish();
  score_pieces();
  chunker_ = TextChunker();
}

void Scorer::finish() {
  cut();
  give_out(tokenizer_.document_end(), session_.stream.logits());
}

void Scorer::score_pieces() {
  while (const std::optional<std::string> piece = chunker_.next()) {
    std::vector<int32_t> tokens;
    tokenizer_.encode(*piece, tokens);
    read_predicted(
        engine_, session_.stream, tokens,
        [this](int32_t token, std::span<const float> logits_V) { give_out(token, logits_V); });
    session_.text.remember(tokens);
    session_.text.stop_text.clear();
    total_.bytes += static_cast<int64_t>(piece->size());
  }
}

void Scorer::give_out(int32_t token, std::span<const float> logits_V) {
  TokenScore score;
  score.index = next_index_;
  score.token = token;
  score.bytes = tokenizer_.token_bytes(token);
  score.byte_offset = session_.text.bytes_read;
  ++next_index_;
  session_.text.bytes_read += static_cast<int64_t>(score.bytes.size());
  if (!logits_V.empty()) {
    score.nats = token_nats(logits_V, token);
    if (!std::isfinite(*score.nats)) {
      throw DataError("score: token " + std::to_string(score.index) + " at byte " +
                          std::to_string(score.byte_offset) +
                          " has a probability that is not a finite number",
                      "the model's numbers overflow: its weights are damaged or its training "
                      "diverged");
    }
    total_.tokens += 1;
    total_.nats += *score.nats;
  }
  visit_(score);
}

}  // namespace brt
