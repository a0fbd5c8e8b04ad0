// SPDX-License-Identifier: Apache-2.0
// Text to tokens to losses, piece by piece.
#include "generate/scorer.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "engine/predictions.h"

namespace brt {

Scorer::Scorer(
    Engine& engine, const Tokenizer& tokenizer, Session& session, Visit visit, VisitText visit_text)
    : engine_(engine),
      tokenizer_(tokenizer),
      session_(session),
      visit_(std::move(visit)),
      visit_text_(std::move(visit_text)),
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
  give_out(tokenizer_.document_end(), session_.text.bytes_read, session_.stream.logits());
}

void Scorer::score_pieces() {
  while (const std::optional<std::string> piece = chunker_.next()) {
    std::vector<int32_t> tokens;
    std::vector<size_t> offsets;
    tokenizer_.encode_with_offsets(*piece, tokens, offsets);
    const int64_t begin = session_.text.bytes_read;
    size_t next = 0;
    read_predicted(engine_, session_.stream, tokens,
                   [&](int32_t token, std::span<const float> logits_V) {
                     give_out(token, begin + static_cast<int64_t>(offsets[next++]), logits_V);
                   });
    session_.text.remember(tokens);
    session_.text.stop_text.clear();
    session_.text.bytes_read = begin + static_cast<int64_t>(piece->size());
    total_.bytes += static_cast<int64_t>(piece->size());
    if (visit_text_) {
      visit_text_(*piece);
    }
  }
}

void Scorer::give_out(int32_t token, int64_t byte_offset, std::span<const float> logits_V) {
  TokenScore score;
  score.index = next_index_;
  score.token = token;
  score.bytes = tokenizer_.token_bytes(token);
  score.byte_offset = byte_offset;
  ++next_index_;
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
