// SPDX-License-Identifier: Apache-2.0
// One file of tokenized documents: written front to back, read through a memory map.
//
// All numbers are little-endian. The file is, without gaps:
//
//   header   "BRTSHARD", u32 version (1), u32 bytes of a token (2 or 4), u64 vocabulary size
//   tokens   of all documents, one after another, u16 if the vocabulary has at most 65536 tokens,
//            else u32; then zeros up to a multiple of 8 bytes
//   index    per document: u64 offset of its first token, u64 tokens, u64 bytes, u64 words,
//            u32 length of the name, name
//   footer   u64 documents, u64 tokens, u64 bytes of the index, u64 XXH3 of all that stands before,
//            "BRTSHEND"
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "data/prepared_data.h"

namespace brt {

/// What a dataset.json says of a shard.
struct ShardSummary {
  std::string file;  ///< name within the split's folder
  uint64_t checksum = 0;
  int64_t documents = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
  int64_t words = 0;

  bool operator==(const ShardSummary&) const = default;
};

/// Writes one shard; of a document only the running counts are in memory. Without finish() no file
/// remains. @throws Error with the system's reason if the disk does not take it.
class ShardWriter {
 public:
  ShardWriter(const std::filesystem::path& path, int64_t vocab_size);

  void append_tokens(std::span<const int32_t> tokens);
  /// Closes a document that consists of the tokens appended since the last one.
  void end_document(const std::string& name, int64_t bytes, int64_t words);
  int64_t tokens() const { return summary_.tokens; }
  int64_t documents() const { return summary_.documents; }
  /// Puts the file in place.
  ShardSummary finish();

 private:
  AtomicFile file_;
  StreamingHash hash_;
  size_t token_bytes_;
  std::string packed_;  ///< tokens in the file's width, reused
  std::string index_;   ///< as it will stand in the file
  int64_t document_begin_ = 0;
  ShardSummary summary_;

  void put(std::string_view bytes);
};

/// A shard opened for reading.
class Shard {
 public:
  /// Maps and verifies the whole file. @throws DataError naming the file and what is wrong with it.
  explicit Shard(const std::filesystem::path& path);

  const ShardSummary& summary() const { return summary_; }
  int64_t vocab_size() const { return vocab_size_; }
  const std::vector<DocumentInfo>& documents() const { return documents_; }
  /// Tokens [from, from + out.size()) of a document; the caller has checked the range. @throws
  /// DataError if another program wrote over the file since it was opened.
  void read(int64_t document, int64_t from, std::span<int32_t> out) const;

 private:
  MappedFile file_;
  ShardSummary summary_;
  size_t token_bytes_ = 0;
  int64_t vocab_size_ = 0;
  std::vector<DocumentInfo> documents_;
  std::vector<int64_t> offsets_;  ///< first token of each document

  void read_index(std::string_view index, const std::filesystem::path& path);
  void check_tokens(const std::filesystem::path& path) const;
};

}  // namespace brt
