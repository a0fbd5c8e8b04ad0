// SPDX-License-Identifier: Apache-2.0
// Lossless compression: the less a text surprises the model, the smaller it becomes.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "compression/compressed_file.h"
#include "compression/range_coder.h"
#include "compression/symbol_frequencies.h"
#include "engine/session.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace brt {

/// Codes a document's tokens, its end included, with the model's probabilities. Text whose tokens
/// do not give back its bytes is written as bytes after an escape: every input comes back as it
/// was. Memory does not grow with the text.
class Compressor {
 public:
  /// `engine` and `tokenizer` must outlive the object; `sink` gets the file, front to back.
  Compressor(Engine& engine, const Tokenizer& tokenizer, ByteSink sink);

  void append(std::string_view part);
  void finish();

  /// Of the text so far; whole after finish().
  const ContentSummary& content() const { return content_; }
  uint64_t bytes_written() const { return file_.bytes_written(); }

 private:
  Engine& engine_;
  const Tokenizer& tokenizer_;
  CompressedFileWriter file_;
  StreamState stream_;
  TextChunker chunker_;
  SymbolFrequencies frequencies_;
  RangeEncoder encoder_;
  StreamingHash hash_;
  ContentSummary content_;

  void code_pieces();
  void code_piece(std::string_view piece);
  void code_symbol(int64_t symbol);
  void code_escaped(std::string_view piece);
};

/// Writes the text of a compressed file to `sink`, block by block; its checksum is known to hold
/// only when this returns. @throws DataError if the file is damaged, CheckpointError if it was made
/// by another model, tokenizer, weight format or CPU target (both are named).
ContentSummary decompress(Engine& engine,
                          const Tokenizer& tokenizer,
                          CompressedFileReader& file,
                          const ByteSink& sink);

}  // namespace brt
