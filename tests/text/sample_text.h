// SPDX-License-Identifier: Apache-2.0
// Made-up texts for the tests of this folder: the same for the same seed everywhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/seeded_random.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/tokenizer_trainer.h"

namespace brt::test {

/// Prose of invented words, frequent ones short, with punctuation, line ends, indentation and a few
/// letters outside ASCII.
inline std::string sample_prose(size_t bytes, uint64_t seed) {
  static const std::vector<std::string> syllables = {"ba", "ren",       "to",  "mi",  "sal",
                                                     "qu", "\xC3\xA9t", "dor", "ing", "th",
                                                     "el", "vo",        "ka",  "ster"};
  SeededRandom random(7);
  std::vector<std::string> words;
  for (size_t i = 0; i < 600; ++i) {
    std::string word;
    for (size_t count = 1 + i / 150; count-- > 0;) {
      word += syllables[random.below(syllables.size())];
    }
    words.push_back(word);
  }
  random = SeededRandom(seed);
  std::string text;
  while (text.size() < bytes) {
    const double place = random.uniform();
    text += words[static_cast<size_t>(place * place * place * static_cast<double>(words.size()))];
    const uint64_t choice = random.below(40);
    if (choice == 0) {
      text += ".\n";
    } else if (choice == 1) {
      text += "\n        ";
    } else if (choice == 2) {
      text += ",  ";
    } else {
      text += " ";
    }
  }
  return text;
}

inline std::string random_bytes(size_t size, SeededRandom& random) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(static_cast<unsigned char>(random.below(256)));
  }
  return bytes;
}

/// Valid UTF-8 of characters of all lengths.
inline std::string random_characters(size_t count, SeededRandom& random) {
  static constexpr uint32_t kLimits[] = {0x80, 0x800, 0x10000, 0x110000};
  std::string text;
  while (count > 0) {
    const uint32_t code = static_cast<uint32_t>(random.below(kLimits[random.below(4)]));
    if (code >= 0xD800 && code < 0xE000) {
      continue;
    }
    --count;
    const auto append = [&text](uint32_t byte) {
      text += static_cast<char>(static_cast<unsigned char>(byte));
    };
    if (code < 0x80) {
      append(code);
    } else if (code < 0x800) {
      append(0xC0 | code >> 6);
      append(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      append(0xE0 | code >> 12);
      append(0x80 | (code >> 6 & 0x3F));
      append(0x80 | (code & 0x3F));
    } else {
      append(0xF0 | code >> 18);
      append(0x80 | (code >> 12 & 0x3F));
      append(0x80 | (code >> 6 & 0x3F));
      append(0x80 | (code & 0x3F));
    }
  }
  return text;
}

/// Gives the lines of a text one at a time.
inline std::function<std::optional<std::string>()> lines_of(std::string text) {
  const std::shared_ptr<size_t> begin = std::make_shared<size_t>(0);
  return [text = std::move(text), begin]() -> std::optional<std::string> {
    if (*begin >= text.size()) {
      return std::nullopt;
    }
    const size_t end = std::min(text.find('\n', *begin), text.size());
    std::string line = text.substr(*begin, end - *begin);
    *begin = end + 1;
    return line;
  };
}

/// A small model of sample prose, trained once for each type.
inline const SentencePieceTokenizer& trained_tokenizer(const std::string& type) {
  const auto train = [](const std::string& wanted) {
    const TokenizerTrainerOptions options{.vocab_size = 600, .type = wanted};
    return std::make_unique<SentencePieceTokenizer>(
        train_tokenizer(lines_of(sample_prose(200000, 1)), options), wanted);
  };
  static const std::unique_ptr<SentencePieceTokenizer> bpe = train("bpe");
  static const std::unique_ptr<SentencePieceTokenizer> unigram = train("unigram");
  return type == "bpe" ? *bpe : *unigram;
}

}  // namespace brt::test
