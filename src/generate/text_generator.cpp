// SPDX-License-Identifier: Apache-2.0
// The loop of generation: draw a token for each session, read it, give out its text.
#include "generate/text_generator.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "generate/sampler.h"
#include "generate/stop_strings.h"
#include "text/utf8.h"

namespace brt {
namespace {

/// One session's way from tokens to text.
class Continuation {
 public:
  Continuation(Session& session,
               const Tokenizer& tokenizer,
               const std::vector<std::string>& stop,
               std::function<void(std::string_view)> on_text)
      : session_(session),
        tokenizer_(tokenizer),
        sampler_(session.text.sampler),
        stops_(stop, session.text.stop_text),
        on_text_(std::move(on_text)) {}

  /// Draws the next token; returns whether there is one to read.
  bool draw() {
    // A model's vocabulary may be larger than its tokenizer's, padded; those tokens mean nothing.
    token_ = sampler_.sample(
        session_.stream.logits().first(static_cast<size_t>(tokenizer_.vocab_size())),
        session_.text.recent_tokens, session_.stream.tokens_read());
    if (token_ == tokenizer_.document_end()) {
      result_.reason = FinishReason::kDocumentEnd;
      is_done_ = true;
      return false;
    }
    return true;
  }

  Feed feed() { return {.state = &session_.stream, .tokens = {&token_, 1}, .visit = {}}; }

  /// Gives out the text of the token that was read.
  void give_out_token(int64_t max_tokens) {
    const std::string_view bytes = tokenizer_.token_bytes(token_);
    session_.text.remember({&token_, 1});
    session_.text.bytes_read += static_cast<int64_t>(bytes.size());
    ++result_.tokens;
    give_out(characters_.push(stops_.push(bytes)));
    if (stops_.found()) {
      result_.reason = FinishReason::kStop;
      result_.stop = *stops_.found();
    }
    is_done_ = stops_.found().has_value() || result_.tokens == max_tokens;
  }

  /// Ends it as interrupted if it has not ended otherwise.
  void interrupt() {
    if (!is_done_) {
      result_.reason = FinishReason::kInterrupted;
    }
  }

  GenerationResult finish() {
    if (!stops_.found()) {
      give_out(characters_.push(stops_.finish()));
    }
    give_out(characters_.finish());
    session_.text.stop_text = stops_.held();
    return result_;
  }

  bool is_done() const { return is_done_; }

 private:
  Session& session_;
  const Tokenizer& tokenizer_;
  Sampler sampler_;
  StopStrings stops_;
  Utf8Stream characters_;
  std::function<void(std::string_view)> on_text_;
  GenerationResult result_;
  int32_t token_ = 0;
  bool is_done_ = false;

  void give_out(const std::string& text) {
    if (!text.empty()) {
      on_text_(text);
    }
  }
};

}  // namespace

std::string to_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kTokens:
      return "tokens";
    case FinishReason::kDocumentEnd:
      return "document_end";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kInterrupted:
      return "interrupted";
  }
  throw Error("finish reason without a word");
}

std::vector<GenerationResult> continue_texts(
    Engine& engine,
    const Tokenizer& tokenizer,
    std::span<Session> sessions,
    const ContinuationLimits& limits,
    const std::function<void(size_t, std::string_view)>& on_text) {
  std::vector<Continuation> continuations;
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (sessions[i].stream.tokens_read() == 0) {
      throw Error(
          "generate: there is nothing to continue: a document's first token is never predicted",
          "give a prompt of at least one token, or a saved state");
    }
    continuations.emplace_back(sessions[i], tokenizer, limits.stop,
                               [&on_text, i](std::string_view text) { on_text(i, text); });
  }
  std::vector<Continuation*> reading;
  std::vector<Feed> feeds;
  for (int64_t step = 0; step < limits.max_tokens; ++step) {
    if (limits.is_interrupted && limits.is_interrupted()) {
      std::ranges::for_each(continuations, &Continuation::interrupt);
      break;
    }
    reading.clear();
    feeds.clear();
    for (Continuation& continuation : continuations) {
      if (!continuation.is_done() && continuation.draw()) {
        reading.push_back(&continuation);
        feeds.push_back(continuation.feed());
      }
    }
    if (feeds.empty()) {
      break;
    }
    engine.feed(feeds);
    for (Continuation* continuation : reading) {
      continuation->give_out_token(limits.max_tokens);
    }
  }
  std::vector<GenerationResult> results;
  for (Continuation& continuation : continuations) {
    results.push_back(continuation.finish());
  }
  return results;
}

}  // namespace brt
