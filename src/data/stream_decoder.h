// SPDX-License-Identifier: Apache-2.0
// Decoders of compressed streams, one class a format behind one interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace brt {

enum class Compression { kNone, kGzip, kZstd, kXz, kBzip2 };

/// "gzip", "zstd", "xz", "bzip2".
std::string_view to_word(Compression compression);

/// A part of memory that a decoder has yet to read or to fill.
template <class Byte>
struct DecoderPart {
  Byte* data = nullptr;
  size_t size = 0;

  void advance(size_t bytes) {
    data += bytes;
    size -= bytes;
  }
};
using DecoderInput = DecoderPart<const uint8_t>;
using DecoderOutput = DecoderPart<uint8_t>;

/// One format, whole streams of it: decodes what one compressed stream holds.
class StreamDecoder {
 public:
  enum class Status {
    kGoesOn,
    kStreamEnd,  ///< checksum and size were right
    kDamaged,    ///< reason() says how
  };

  virtual ~StreamDecoder() = default;
  /// Before a stream.
  virtual void begin() = 0;
  /// Decodes from `input` to `output` and moves both on.
  virtual Status decode(DecoderInput& input, DecoderOutput& output) = 0;
  virtual std::string reason() const = 0;
  /// Whether another stream can begin so.
  virtual bool opens_stream(uint8_t first_byte) const = 0;
  /// Whether so many zeros may follow a stream, before the input's end or another stream.
  virtual bool may_be_padded(uint64_t zeros, bool at_end) const;
};

std::unique_ptr<StreamDecoder> make_stream_decoder(Compression compression);

}  // namespace brt
