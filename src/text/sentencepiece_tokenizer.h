// SPDX-License-Identifier: Apache-2.0
// A SentencePiece model as a tokenizer: exact for models with byte fallback and no normalisation,
// as good as the model allows for others.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/sentencepiece_settings.h"
#include "text/tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace brt {

/// The document end is the model's end-of-sentence token. A model that has none, as the PG-19
/// vocabularies of the paper's reference code, gets one more token after its own.
class SentencePieceTokenizer final : public Tokenizer {
 public:
  /// @param serialized  the contents of the model file
  /// @param name        what messages call it, usually its path
  /// @throws DataError if it is not a SentencePiece model or has no token for the end of a
  /// document.
  SentencePieceTokenizer(std::string serialized, const std::string& name);
  ~SentencePieceTokenizer() override;

  std::string kind() const override { return "sentencepiece"; }
  int64_t vocab_size() const override { return static_cast<int64_t>(token_bytes_.size()); }
  int32_t document_end() const override { return document_end_; }
  void encode(std::string_view piece, std::vector<int32_t>& tokens) const override;
  void encode_with_offsets(std::string_view piece,
                           std::vector<int32_t>& tokens,
                           std::vector<size_t>& offsets) const override;
  std::string_view token_bytes(int32_t token) const override;
  bool is_lossless() const override { return lossless_; }
  const std::string& serialized() const override { return serialized_; }

 protected:
  bool adds_leading_space() const override { return settings_.add_dummy_prefix; }

 private:
  /// Where the tokens of a word stand among the tokens of a text that is being encoded.
  struct Place {
    size_t begin = 0;
    size_t count = 0;
  };
  using SeenWords = std::unordered_map<std::string_view, Place>;

  void read_pieces();
  void encode_exactly(std::string_view piece, std::vector<int32_t>& tokens) const;
  void encode_characters(std::string_view text,
                         SeenWords& seen_words,
                         std::vector<int32_t>& tokens) const;
  void encode_word(std::string_view word,
                   SeenWords& seen_words,
                   std::vector<int32_t>& tokens) const;
  void encode_inexactly(std::string_view piece,
                        std::vector<int32_t>& tokens,
                        std::vector<size_t>* offsets) const;
  void encode_by_model(std::string_view text,
                       std::vector<int32_t>& tokens,
                       std::vector<size_t>* offsets) const;
  void append_byte(char byte, std::vector<int32_t>& tokens) const;

  std::string serialized_;
  SentencePieceSettings settings_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  int32_t document_end_ = -1;
  bool lossless_ = false;
  bool has_byte_tokens_ = true;
  bool words_are_apart_ = true;  ///< no piece holds a space that follows a non-space
  std::array<int32_t, 256> byte_tokens_{};
  std::array<bool, 128> occurs_in_pieces_{};  ///< ASCII characters that some piece holds
  std::vector<std::string> token_bytes_;
};

}  // namespace brt
