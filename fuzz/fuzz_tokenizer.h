// SPDX-License-Identifier: Apache-2.0
// A lossless tokenizer of 300 tokens, trained on four lines.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "memory_file.h"
#include "text/tokenizer.h"
#include "text/tokenizer_trainer.h"

namespace brt {

/// The model as it is stored.
inline std::string fuzz_tokenizer_model() {
  constexpr std::array<std::string_view, 4> kLines = {
      "The quick brown fox jumps over the lazy dog.", "Pack my box with five dozen liquor jugs.",
      "How vexingly quick daft zebras jump!", "The five boxing wizards jump quickly."};
  size_t next = 0;
  return train_tokenizer(
      [&]() -> std::optional<std::string> {
        return next < 20 * kLines.size()
                   ? std::optional(std::string(kLines[next++ % kLines.size()]))
                   : std::nullopt;
      },
      {.vocab_size = 300, .threads = 1});
}

/// Of this process.
inline const Tokenizer& fuzz_tokenizer() {
  static const std::unique_ptr<Tokenizer> tokenizer =
      load_tokenizer(MemoryFile(fuzz_tokenizer_model()).path().string());
  return *tokenizer;
}

}  // namespace brt
