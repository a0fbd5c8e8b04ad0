// SPDX-License-Identifier: Apache-2.0
// Trains a lossless SentencePiece model: byte fallback, no normalisation.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace brt {

struct TokenizerTrainerOptions {
  int64_t vocab_size = 4096;
  std::string type = "bpe";                         ///< "bpe" or "unigram"
  int64_t max_sentence_bytes = 4192;                ///< longer lines are cut for training
  int64_t max_training_bytes = int64_t{200} << 20;  ///< text beyond this is not read
  int64_t threads = 2;
};

/// Trains on lines given one at a time (std::nullopt ends them); returns the serialized model.
/// @throws DataError if there is too little text for the vocabulary, with a hint.
std::string train_tokenizer(const std::function<std::optional<std::string>()>& next_line,
                            const TokenizerTrainerOptions& options);

}  // namespace brt
