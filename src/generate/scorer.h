// SPDX-License-Identifier: Apache-2.0
// How well the model predicts each token of a text that arrives in parts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "generate/stream.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace brt {

struct TokenScore {
  int64_t index = 0;  ///< place in the document, from 0
  int32_t token = 0;
  std::string_view bytes;      ///< that the token stands for; empty at the document's end
  int64_t byte_offset = 0;     ///< of the token's first byte
  std::optional<double> nats;  ///< -log of its probability; nothing for the document's first token
};

struct ScoreTotal {
  int64_t tokens = 0;  ///< predicted: all but the first
  int64_t bytes = 0;   ///< of the text
  double nats = 0.0;   ///< float64 sum
};

/// Scores one document, its end included, in memory that does not grow with it. The sum equals that
/// of evaluate() with CarryMode::kCarried.
class Scorer {
 public:
  using Visit = std::function<void(const TokenScore&)>;

  /// `tokenizer` must outlive the object; `visit` gets every token in order.
  Scorer(LanguageModel model,
         const ForwardOptions& options,
         const Tokenizer& tokenizer,
         Visit visit);

  void append(std::string_view part);
  /// Scores the rest and the document's end.
  ScoreTotal finish();

 private:
  Stream stream_;
  const Tokenizer& tokenizer_;
  Visit visit_;
  TextChunker chunker_;
  ScoreTotal total_;
  int64_t next_index_ = 0;
  int64_t byte_offset_ = 0;

  void score_pieces();
  void score(const std::vector<int32_t>& tokens);
  void give_out(int32_t token, std::optional<double> nats);
};

}  // namespace brt
