// SPDX-License-Identifier: Apache-2.0
// Text that arrives in parts into a stream.
#pragma once

#include <string>
#include <string_view>

#include "engine/session.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace brt {

/// Reads a prompt, cut into pieces as documents are, after what the session had read and not yet
/// tokenized. The arguments must outlive the object.
class PromptReader {
 public:
  PromptReader(Engine& engine, const Tokenizer& tokenizer, Session& session);
  PromptReader(Engine& engine, Tokenizer&& tokenizer, Session& session) = delete;

  void append(std::string_view part);
  /// Reads the rest.
  void finish();
  /// What was added and is not read, which is taken out.
  std::string take_rest() { return chunker_.take_rest(); }

 private:
  Engine& engine_;
  const Tokenizer& tokenizer_;
  Session& session_;
  TextChunker chunker_;

  void read_pieces();
};

}  // namespace brt
