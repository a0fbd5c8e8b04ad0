// SPDX-License-Identifier: Apache-2.0
// Continues documents: several streams draw and read their tokens together.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session.h"
#include "text/tokenizer.h"

namespace brt {

/// Why a continuation ended.
enum class FinishReason {
  kTokens,       ///< as many tokens as were asked for
  kDocumentEnd,  ///< the model closed the document; the closing token is not read
  kStop,         ///< a stop string; its tokens are read, its text is not given out
  kInterrupted,  ///< it was asked to end; the session can be continued
};

/// "tokens", "document_end", "stop", "interrupted".
std::string to_word(FinishReason reason);

struct GenerationResult {
  int64_t tokens = 0;  ///< tokens read by the stream
  FinishReason reason = FinishReason::kTokens;
  std::string stop;  ///< the stop string that was met, if any
};

/// Where continuations end.
struct ContinuationLimits {
  int64_t max_tokens = 0;
  std::vector<std::string> stop = {};         ///< stop strings
  std::function<bool()> is_interrupted = {};  ///< asked before each token
};

/// Continues each session within the limits by tokens drawn as its sampler says, all of them in
/// the same calls of the engine; one that is done waits for the others. `on_text` gets a session's
/// index and its text as it comes, never half a UTF-8 character but for what the last token leaves
/// unfinished; it may throw to stop.
/// @return one result a session
/// @throws Error if a session has read nothing.
std::vector<GenerationResult> continue_texts(
    Engine& engine,
    const Tokenizer& tokenizer,
    std::span<Session> sessions,
    const ContinuationLimits& limits,
    const std::function<void(size_t, std::string_view)>& on_text);

}  // namespace brt
