// SPDX-License-Identifier: Apache-2.0
// Text to tokens and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace brt {

/// Turns bytes into tokens and back. Implementations are immutable after construction.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// "bytes" or "sentencepiece".
  virtual std::string kind() const = 0;
  virtual int64_t vocab_size() const = 0;
  /// The token that closes a document; it stands for no bytes.
  virtual int32_t document_end() const = 0;
  /// Appends the tokens of one piece of text (see TextChunker for how documents are cut into
  /// pieces). Bytes that are not UTF-8 are allowed.
  virtual void encode(std::string_view piece, std::vector<int32_t>& tokens) const = 0;
  /// The bytes that a token stands for, empty for document_end. Joined over the tokens of a
  /// document they are the document, for lossless tokenizers.
  /// @throws DataError if token is outside [0, vocab_size).
  virtual std::string_view token_bytes(int32_t token) const = 0;
  /// Whether decode(encode(x)) == x for every x.
  virtual bool is_lossless() const = 0;
  /// The serialized model (empty for bytes), as stored in tokenizer.model.
  virtual const std::string& serialized() const = 0;
  /// As encode(); also appends, for each token, the byte of `piece` at which it begins. Places
  /// never fall; tokens of one character may share one. Where the tokenizer changes a text they are
  /// of the text as it was given, not of what the tokens stand for.
  virtual void encode_with_offsets(std::string_view piece,
                                   std::vector<int32_t>& tokens,
                                   std::vector<size_t>& offsets) const;
  /// Hash of kind and model.
  uint64_t fingerprint() const;

  /// Whole text, cut into pieces as documents are; document_end is not appended.
  std::vector<int32_t> encode_document(std::string_view text) const;
  /// The bytes of all tokens joined, without the space that the model itself puts before a text.
  std::string decode(const std::vector<int32_t>& tokens) const;

 protected:
  /// Whether encode() puts a space before the text, as many models of others do (never lossless
  /// ones).
  virtual bool adds_leading_space() const { return false; }
};

/// "bytes", or the path of a SentencePiece model.
/// @throws DataError with a hint if the file is missing or not such a model.
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& name_or_path);

/// The tokenizer of a folder of prepared data, whose dataset.json tells which one it must be:
/// tokenizer.model if it is there, else bytes.
std::unique_ptr<Tokenizer> load_folder_tokenizer(const std::filesystem::path& folder);

/// The tokenizer of a model folder: tokenizer.model, or bytes if config.json says "tokenizer":
/// "bytes".
/// @throws CheckpointError if there is neither or both, DataError if the file is no such model.
std::unique_ptr<Tokenizer> load_model_tokenizer(const std::filesystem::path& folder);

}  // namespace brt
