// SPDX-License-Identifier: Apache-2.0
// Piece by piece: tokenize, feed, remember.
#include "generate/prompt_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace brt {

PromptReader::PromptReader(Engine& engine, const Tokenizer& tokenizer, Session& session)
    : engine_(engine), tokenizer_(tokenizer), session_(session) {
  chunker_.append(std::exchange(session.text.pending_text, std::string()));
  session.text.line = {};  // from here on it is not scored
}

void PromptReader::append(std::string_view part) {
  chunker_.append(part);
  read_pieces();
}

void PromptReader::finish() {
  chunker_.finish();
  read_pieces();
  chunker_ = TextChunker();
}

void PromptReader::read_pieces() {
  while (const std::optional<std::string> piece = chunker_.next()) {
    std::vector<int32_t> tokens;
    tokenizer_.encode(*piece, tokens);
    if (!tokens.empty()) {
      engine_.feed(session_.stream, tokens);
    }
    session_.text.remember(tokens);
    session_.text.bytes_read += static_cast<int64_t>(piece->size());
    session_.text.stop_text.clear();  // stop strings are looked for in what is generated
  }
}

}  // namespace brt
