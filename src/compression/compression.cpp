// SPDX-License-Identifier: Apache-2.0
// Text to tokens to coded symbols, and back token by token.
#include "compression/compression.h"

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/predictions.h"

namespace brt {
namespace {

constexpr uint64_t kByteValues = 256;
constexpr int kLengthBytes = 4;      // of the number of bytes after an escape
constexpr size_t kEscapeBytes = 16;  // more than an escape and its length cost
constexpr size_t kReadAhead = 16;    // more than the decoder reads for one symbol
constexpr size_t kOutputBytes = size_t{1} << 16;

/// Symbols are the tokenizer's tokens; the one after them is the escape.
int64_t escape_symbol(const Tokenizer& tokenizer) { return tokenizer.vocab_size(); }

FrequencyRange byte_range(uint64_t byte) {
  return {.begin = byte, .size = 1, .total = kByteValues};
}

/// Whether the tokens' bytes, joined, are the piece, and none of them ends the document.
bool gives_back(const Tokenizer& tokenizer,
                const std::vector<int32_t>& tokens,
                std::string_view piece) {
  for (const int32_t token : tokens) {
    const std::string_view bytes = tokenizer.token_bytes(token);
    if (token == tokenizer.document_end() || !piece.starts_with(bytes)) {
      return false;
    }
    piece.remove_prefix(bytes.size());
  }
  return piece.empty();
}

/// The way back, symbol by symbol.
class Decompressor {
 public:
  Decompressor(Engine& engine,
               const Tokenizer& tokenizer,
               CompressedFileReader& file,
               const ByteSink& sink)
      : engine_(engine),
        tokenizer_(tokenizer),
        file_(file),
        sink_(sink),
        stream_(engine.begin()),
        frequencies_(tokenizer.vocab_size()) {}

  ContentSummary run() {
    while (decode_symbol()) {
    }
    give_out_text();
    read_to_end();
    content_.checksum = hash_.digest();
    const ContentSummary& expected = file_.content();
    if (content_.bytes != expected.bytes || content_.checksum != expected.checksum) {
      throw DataError(
          file_.origin() + ": decompressed to " + std::to_string(content_.bytes) +
              " bytes with the checksum " + hash_text(content_.checksum) + ", but " +
              std::to_string(expected.bytes) + " bytes with " + hash_text(expected.checksum) +
              " were compressed",
          "decompress it on the computer that compressed it; this one may round differently");
    }
    return content_;
  }

 private:
  Engine& engine_;
  const Tokenizer& tokenizer_;
  CompressedFileReader& file_;
  const ByteSink& sink_;
  StreamState stream_;
  SymbolFrequencies frequencies_;
  RangeDecoder decoder_;
  StreamingHash hash_;
  ContentSummary content_;
  std::string text_;  ///< decoded, not yet given out
  bool is_at_end_ = false;

  /// Whether the document goes on.
  bool decode_symbol() {
    frequencies_.predict(stream_.logits());
    fill();
    const int64_t symbol = frequencies_.symbol_at(decoder_.position(frequencies_.total()));
    decoder_.skip(frequencies_.range_of(symbol));
    if (symbol == tokenizer_.document_end()) {
      return false;
    }
    if (symbol == escape_symbol(tokenizer_)) {
      decode_bytes();
      return true;
    }
    const int32_t token = static_cast<int32_t>(symbol);
    text_ += tokenizer_.token_bytes(token);
    if (text_.size() >= kOutputBytes) {
      give_out_text();
    }
    engine_.feed(stream_, {&token, 1});
    return true;
  }

  void decode_bytes() {
    uint64_t length = 0;
    for (int i = 0; i < kLengthBytes; ++i) {
      length |= decode_byte() << (8 * i);
    }
    if (length > TextChunker::kLongestPieceBytes) {
      fail();
    }
    for (; length > 0; --length) {
      text_.push_back(static_cast<char>(decode_byte()));
    }
  }

  uint64_t decode_byte() {
    fill();
    const uint64_t byte = decoder_.position(kByteValues);
    decoder_.skip(byte_range(byte));
    return byte;
  }

  /// Reads blocks until the decoder has what one symbol may need.
  void fill() {
    while (!is_at_end_ && decoder_.num_ready() < kReadAhead) {
      const std::string block = file_.next_block();
      is_at_end_ = block.empty();
      decoder_.append(block);
    }
    if (decoder_.num_missing() > kReadAhead) {
      fail();
    }
  }

  void read_to_end() {
    while (!is_at_end_) {
      is_at_end_ = file_.next_block().empty();
    }
  }

  void give_out_text() {
    hash_.update(text_.data(), text_.size());
    content_.bytes += text_.size();
    sink_(text_);
    text_.clear();
  }

  [[noreturn]] void fail() const {
    throw DataError(
        file_.origin() + ": its symbols cannot be decoded, although its checksums match",
        "decompress it on the computer that compressed it; this one may round differently");
  }
};

}  // namespace

Compressor::Compressor(Engine& engine, const Tokenizer& tokenizer, ByteSink sink)
    : engine_(engine),
      tokenizer_(tokenizer),
      file_(identify(engine, tokenizer), std::move(sink)),
      stream_(engine.begin()),
      frequencies_(tokenizer.vocab_size()) {}

void Compressor::append(std::string_view part) {
  hash_.update(part.data(), part.size());
  content_.bytes += part.size();
  chunker_.append(part);
  code_pieces();
}

void Compressor::finish() {
  chunker_.finish();
  code_pieces();
  frequencies_.predict(stream_.logits());
  code_symbol(tokenizer_.document_end());
  encoder_.finish();
  file_.append(encoder_.take_bytes());
  content_.checksum = hash_.digest();
  file_.finish(content_);
}

void Compressor::code_pieces() {
  while (const std::optional<std::string> piece = chunker_.next()) {
    code_piece(*piece);
    file_.append(encoder_.take_bytes());
  }
}

void Compressor::code_piece(std::string_view piece) {
  std::vector<int32_t> tokens;
  tokenizer_.encode(piece, tokens);
  if (!gives_back(tokenizer_, tokens, piece)) {
    code_escaped(piece);
    return;
  }
  const StreamState stream_before = stream_;
  const RangeEncoder encoder_before = encoder_;
  read_predicted(engine_, stream_, tokens, [&](int32_t token, std::span<const float> logits_V) {
    frequencies_.predict(logits_V);
    code_symbol(token);
  });
  if (encoder_.num_bytes() - encoder_before.num_bytes() > piece.size() + kEscapeBytes) {
    stream_ = stream_before;
    encoder_ = encoder_before;
    code_escaped(piece);
  }
}

void Compressor::code_escaped(std::string_view piece) {
  frequencies_.predict(stream_.logits());
  code_symbol(escape_symbol(tokenizer_));
  for (int i = 0; i < kLengthBytes; ++i) {
    encoder_.encode(byte_range(piece.size() >> (8 * i) & 0xFF));
  }
  for (const char byte : piece) {
    encoder_.encode(byte_range(static_cast<unsigned char>(byte)));
  }
}

void Compressor::code_symbol(int64_t symbol) { encoder_.encode(frequencies_.range_of(symbol)); }

ContentSummary decompress(Engine& engine,
                          const Tokenizer& tokenizer,
                          CompressedFileReader& file,
                          const ByteSink& sink) {
  const ModelIdentity running = identify(engine, tokenizer);
  require_same_model(file.origin(), file.model(), running);
  if (file.model().kernel_target != running.kernel_target) {
    throw CheckpointError(file.origin() + ": was compressed on the CPU target " +
                              file.model().kernel_target + ", this is " + running.kernel_target,
                          "set BRT_CPU_TARGET=" + file.model().kernel_target +
                              ", on a CPU that runs it; without --fastest brt compress writes "
                              "files for every machine");
  }
  return Decompressor(engine, tokenizer, file, sink).run();
}

}  // namespace brt
