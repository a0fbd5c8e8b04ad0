// SPDX-License-Identifier: Apache-2.0
// How well the model predicts each token of a text that arrives in parts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/session.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace brt {

struct TokenScore {
  int64_t index = 0;  ///< position in the document, from 0
  int32_t token = 0;
  std::string_view bytes;      ///< that the token stands for; empty at the document's end
  int64_t byte_offset = 0;     ///< where it begins in the text that was given
  std::optional<double> nats;  ///< -log of its probability; nothing for the document's first token
};

struct ScoreTotal {
  int64_t tokens = 0;  ///< predicted: all but the first
  int64_t bytes = 0;   ///< of the text
  double nats = 0.0;   ///< float64 sum
};

/// Scores a document in memory that does not grow with it. The sum equals that of evaluate() with
/// CarryMode::kCarried, to rounding.
class Scorer {
 public:
  using Visit = std::function<void(const TokenScore&)>;
  using VisitText = std::function<void(std::string_view)>;

  /// Goes on where `session` stands, and moves it. The arguments must outlive the object; `visit`
  /// gets every token in order, `visit_text` every piece of text once it is scored.
  Scorer(Engine& engine,
         const Tokenizer& tokenizer,
         Session& session,
         Visit visit,
         VisitText visit_text = {});

  /// All three throw DataError, naming the token, where the model's numbers are not finite.

  /// Adds text, which is scored as soon as its tokens are certain: in pieces as documents are cut.
  void append(std::string_view part);
  /// Scores all that was added: a border of pieces comes here, and tokens do not reach over it.
  void cut();
  /// What was added and is not scored, which is taken out: given again, before what comes next, it
  /// is scored as it would have been.
  std::string take_rest() { return chunker_.take_rest(); }
  /// Scores the rest and the document's end, which the session does not read.
  void finish();

  /// Of what this object has scored.
  const ScoreTotal& total() const { return total_; }

 private:
  Engine& engine_;
  const Tokenizer& tokenizer_;
  Session& session_;
  Visit visit_;
  VisitText visit_text_;
  TextChunker chunker_;
  ScoreTotal total_;
  int64_t next_index_ = 0;

  void score_pieces();
  void give_out(int32_t token, int64_t byte_offset, std::span<const float> logits_V);
};

}  // namespace brt
