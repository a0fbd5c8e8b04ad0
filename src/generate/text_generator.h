// SPDX-License-Identifier: Apache-2.0
// Prompt in, continuation out: text over a stream of tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "generate/sampler.h"
#include "generate/stream.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace brt {

/// Why a continuation ended.
enum class FinishReason {
  kTokens,       ///< as many tokens as were asked for
  kDocumentEnd,  ///< the model closed the document; the closing token is not read
  kStop,         ///< a stop string; its tokens are read, its text is not given out
};

/// "tokens", "document_end", "stop".
std::string to_word(FinishReason reason);

struct GenerationResult {
  int64_t tokens = 0;  ///< tokens read by the stream
  FinishReason reason = FinishReason::kTokens;
  std::string stop;  ///< the stop string that was met, if any
};

/// Reads prompts into a stream and continues it, without a limit of length.
class TextGenerator {
 public:
  /// The arguments must outlive the object.
  TextGenerator(Stream& stream, const Tokenizer& tokenizer, const Sampler& sampler);

  /// Reads a part of a prompt, cut into pieces as documents are; finish_prompt() reads the rest.
  void read_prompt(std::string_view part);
  void finish_prompt();

  /// Generates up to `max_tokens` tokens. `on_text` gets the text as it comes, never half a UTF-8
  /// character but for what the last token leaves unfinished; it may throw to stop.
  /// @throws Error if the stream has read nothing.
  GenerationResult generate(int64_t max_tokens,
                            const std::vector<std::string>& stop,
                            const std::function<void(std::string_view)>& on_text);

  /// The last tokens read, oldest first: as many as the repetition penalty looks at, at least 64.
  const std::vector<int32_t>& recent_tokens() const { return recent_; }
  void set_recent_tokens(std::vector<int32_t> tokens);

 private:
  Stream& stream_;
  const Tokenizer& tokenizer_;
  const Sampler& sampler_;
  TextChunker chunker_;
  std::vector<int32_t> recent_;

  void read_pieces();
  void read(const std::vector<int32_t>& tokens);
};

}  // namespace brt
