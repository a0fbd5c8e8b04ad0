// SPDX-License-Identifier: Apache-2.0
// The container of compressed text: header, blocks and end, each under a checksum.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/model_identity.h"

namespace brt {

/// Takes bytes that go to a file; throws where they cannot.
using ByteSink = std::function<void(std::string_view)>;
/// Fills a buffer from a file; returns how many bytes it got, 0 only at the end.
using ByteSource = std::function<size_t(char*, size_t)>;

inline constexpr uint8_t kCompressedFormatVersion = 3;

/// What stands at the end of a compressed file.
struct ContentSummary {
  uint64_t bytes = 0;     ///< of the text
  uint64_t checksum = 0;  ///< XXH3 of the text
};

/// Writes a compressed file front to back, in as few bytes as a check of each part allows. Numbers
/// are little endian; a size has 7 bits a byte, least significant first, the eighth set in all but
/// the last.
///
///   header   "BRTC", u8 version, u64 model fingerprint, u64 tokenizer fingerprint,
///            u8 weight format, u8 CPU target, u32 checksum
///   blocks   size, at least 1, the coded bytes, u32 checksum
///   end      size 0, size of the text, u64 XXH3 of the text, u32 checksum
///
/// A checksum is the lower half of the XXH3 of what stands before it in its part; that of a block
/// and of the end is seeded with the number of blocks before, so that none can be left out or
/// moved.
class CompressedFileWriter {
 public:
  /// Writes the header. @throws Error if the format has no number for the model's weight format
  /// or CPU target.
  CompressedFileWriter(const ModelIdentity& model, ByteSink sink);

  void append(std::string_view coded);
  void finish(const ContentSummary& content);
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  ByteSink sink_;
  std::string pending_;
  uint64_t num_blocks_ = 0;
  uint64_t bytes_written_ = 0;

  void write_block(std::string_view coded);
  void write(std::string_view bytes);
};

/// Reads a compressed file front to back; nothing of a block is given out before its checksum
/// holds.
class CompressedFileReader {
 public:
  /// Reads the header. @param origin  the file's name for messages
  /// @throws DataError if it is damaged, no compressed file, or of another version.
  CompressedFileReader(std::string origin, ByteSource source);

  const ModelIdentity& model() const { return model_; }
  const std::string& origin() const { return origin_; }
  /// The coded bytes of the next block; empty at the end, when content() is known and it is
  /// verified that nothing follows. @throws DataError if the file is damaged or cut off.
  std::string next_block();
  const ContentSummary& content() const { return content_; }

 private:
  std::string origin_;
  ByteSource source_;
  ModelIdentity model_;
  ContentSummary content_;
  uint64_t num_blocks_ = 0;

  std::string read(size_t size);
  /// Appends a size as it stands in the file to `part`, and returns it.
  uint64_t read_size(std::string& part);
  void verify(std::string_view part, uint64_t seed, const char* name);
  void read_end(std::string end);
};

/// Whether a file begins as a compressed file does.
bool begins_as_compressed_file(std::string_view start);

}  // namespace brt
