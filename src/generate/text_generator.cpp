// SPDX-License-Identifier: Apache-2.0
// The loop of generation: draw a token, read it, give out its text.
#include "generate/text_generator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/core/Tensor.h>

#include "base/error.h"
#include "generate/stop_strings.h"
#include "text/utf8.h"

namespace brt {
namespace {

constexpr int64_t kFewestRecentTokens = 64;  // the usual window of the repetition penalty

}  // namespace

std::string to_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kTokens:
      return "tokens";
    case FinishReason::kDocumentEnd:
      return "document_end";
    case FinishReason::kStop:
      return "stop";
  }
  throw Error("finish reason without a word");
}

TextGenerator::TextGenerator(Stream& stream, const Tokenizer& tokenizer, const Sampler& sampler)
    : stream_(stream), tokenizer_(tokenizer), sampler_(sampler) {}

void TextGenerator::read_prompt(std::string_view part) {
  chunker_.append(part);
  read_pieces();
}

void TextGenerator::finish_prompt() {
  chunker_.finish();
  read_pieces();
  chunker_ = TextChunker();
}

void TextGenerator::read_pieces() {
  while (const std::optional<std::string> piece = chunker_.next()) {
    std::vector<int32_t> tokens;
    tokenizer_.encode(*piece, tokens);
    read(tokens);
  }
}

void TextGenerator::read(const std::vector<int32_t>& tokens) {
  stream_.feed(tokens, /*visit=*/{});
  recent_.insert(recent_.end(), tokens.begin(), tokens.end());
  set_recent_tokens(std::move(recent_));
}

void TextGenerator::set_recent_tokens(std::vector<int32_t> tokens) {
  recent_ = std::move(tokens);
  const int64_t kept = std::max(kFewestRecentTokens, sampler_.options().repetition_window);
  const int64_t surplus = static_cast<int64_t>(recent_.size()) - kept;
  if (surplus > 0) {
    recent_.erase(recent_.begin(), recent_.begin() + surplus);
  }
}

GenerationResult TextGenerator::generate(int64_t max_tokens,
                                         const std::vector<std::string>& stop,
                                         const std::function<void(std::string_view)>& on_text) {
  if (stream_.tokens_read() == 0) {
    throw Error(
        "generate: there is nothing to continue: a document's first token is never predicted",
        "give a prompt of at least one token, or a saved state");
  }
  StopStrings stops(stop);
  Utf8Stream characters;
  const auto give_out = [&](const std::string& text) {
    if (!text.empty()) {
      on_text(text);
    }
  };
  GenerationResult result;
  while (result.tokens < max_tokens && !stops.found()) {
    // A model's vocabulary may be larger than its tokenizer's, padded; those tokens mean nothing.
    const int32_t token = sampler_.sample(stream_.logits().slice(0, 0, tokenizer_.vocab_size()),
                                          recent_, stream_.tokens_read());
    if (token == tokenizer_.document_end()) {
      result.reason = FinishReason::kDocumentEnd;
      break;
    }
    const std::string_view bytes = tokenizer_.token_bytes(token);
    read({token});
    ++result.tokens;
    give_out(characters.push(stops.push(bytes)));
  }
  if (stops.found()) {
    result.reason = FinishReason::kStop;
    result.stop = *stops.found();
  } else {
    give_out(characters.push(stops.finish()));
  }
  give_out(characters.finish());
  return result;
}

}  // namespace brt
