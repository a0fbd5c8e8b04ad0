// SPDX-License-Identifier: Apache-2.0
// Losses of whole documents: per token, byte and word, and by position in the document.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/prepared_data.h"
#include "model/language_model.h"

namespace brt {

/// What goes from segment to segment.
enum class CarryMode {
  kCarried,  ///< cache and state: everything before a token in its document counts
  kReset,    ///< nothing: cache and state start anew at each segment
  kNone,     ///< the cache, but the state that comes in from the segment before is zero
};

struct EvaluationOptions {
  CarryMode carry = CarryMode::kCarried;
  int64_t lanes = 1;
  at::ScalarType dtype = at::kFloat;
  int64_t max_document_tokens = 0;  ///< read only this many tokens of each document; 0: all
};

/// Sums over the tokens whose position in the document lies in [from, to).
struct PositionLoss {
  int64_t from = 0;
  int64_t to = 0;
  int64_t tokens = 0;
  double nats = 0.0;
};

struct DocumentLoss {
  std::string name;
  int64_t tokens = 0;  ///< predicted tokens
  int64_t bytes = 0;
  int64_t words = 0;
  double nats = 0.0;
  int64_t first_not_finite = -1;  ///< position of the first token whose loss is no number; -1: none
};

struct EvaluationResult {
  CarryMode carry = CarryMode::kCarried;
  std::vector<DocumentLoss> documents;
  std::vector<PositionLoss>
      by_position;  ///< borders 0, 128, 256, 512, ... doubling; empty ones are left out
  int64_t tokens = 0;
  int64_t bytes = 0;  ///< of the original texts; with max_document_tokens in proportion
  int64_t words = 0;
  double nats = 0.0;  ///< float64 sum, document by document
  double seconds = 0.0;

  double nats_per_token() const;
  double bits_per_token() const;
  double bits_per_byte() const;
  double token_perplexity() const;
  double word_perplexity() const;
  double tokens_per_second() const;
};

struct EvaluationProgress {
  int64_t tokens = 0;
  int64_t total_tokens = 0;
  double bits_per_token = 0.0;
};

/// Predicts every token of every document but its first exactly once. Deterministic; the sums do
/// not depend on the number of lanes but for rounding. on_progress may throw to stop.
/// @throws DataError if the data's vocabulary is larger than the model's.
EvaluationResult evaluate(LanguageModel& model,
                          const PreparedSplit& split,
                          const EvaluationOptions& options,
                          const std::function<void(const EvaluationProgress&)>& on_progress = {});

/// @throws DataError naming the first token, and its document, whose loss is not a finite number:
/// the figures are none then.
void check_finite(const EvaluationResult& result);

/// "full", "no-state" and "nothing", or what evaluations are filed under: "carried", "none" and
/// "reset" in the same order. @throws ConfigError naming the nearest known word.
CarryMode carry_mode_from_word(const std::string& word);
/// The word in the output of `brt eval --json`, which others rely on: "carried", "none", "reset".
std::string to_word(CarryMode mode);
/// The word for readers: "full", "no-state", "nothing".
std::string carry_label(CarryMode mode);

/// The object of docs/reference.md, "eval --json".
std::string evaluation_to_json(const EvaluationResult& result,
                               const std::string& model,
                               const std::string& data,
                               const std::string& split);

}  // namespace brt
