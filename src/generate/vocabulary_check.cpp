// SPDX-License-Identifier: Apache-2.0
// The message of a tokenizer that is too large for its model.
#include "generate/vocabulary_check.h"

#include <fmt/format.h>

#include "base/error.h"

namespace brt {

void check_vocabulary(const std::filesystem::path& folder,
                      const Tokenizer& tokenizer,
                      int64_t vocab_size) {
  if (tokenizer.vocab_size() > vocab_size) {
    throw CheckpointError(
        fmt::format("{}: the tokenizer ({}) has {} tokens, the model's vocabulary {}",
                    folder.string(), tokenizer.kind(), tokenizer.vocab_size(), vocab_size),
        "put the tokenizer.model that the model was trained with into the model folder");
  }
}

}  // namespace brt
