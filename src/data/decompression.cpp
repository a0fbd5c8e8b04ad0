// SPDX-License-Identifier: Apache-2.0
// One loop over the decoders of all formats. libarchive's filters are not used: they pass over
// wrong checksums of gzip, and over what follows the compressed data.
#include "data/decompression.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr size_t kInputBytes = size_t{1} << 16;
constexpr const char* kDamageHint =
    "the file may be cut short or damaged: check it, or fetch it again";

/// Compressed streams joined end to end, and nothing else.
class DecompressedStream : public ByteStream {
 public:
  DecompressedStream(std::unique_ptr<ByteStream> input,
                     Compression compression,
                     const std::string& file)
      : input_(std::move(input)),
        decoder_(make_stream_decoder(compression)),
        word_(to_word(compression)),
        file_(file),
        buffer_(kInputBytes) {}

  size_t read(char* buffer, size_t size) override {
    DecoderOutput output = {reinterpret_cast<uint8_t*>(buffer), size};
    while (output.size == size && size > 0) {
      if (!in_stream_ && !begin_stream()) {
        return 0;
      }
      decode_into(output);
    }
    return size - output.size;
  }
  uint64_t input_bytes_read() const override { return input_->input_bytes_read(); }

 private:
  std::unique_ptr<ByteStream> input_;
  std::unique_ptr<StreamDecoder> decoder_;
  std::string_view word_;
  std::string file_;
  std::vector<uint8_t> buffer_;
  DecoderInput rest_;  ///< what is in the buffer and not decoded
  uint64_t bytes_read_ = 0;
  bool at_input_end_ = false;
  bool in_stream_ = false;
  bool is_first_ = true;

  uint64_t offset() const { return bytes_read_ - rest_.size; }

  /// Makes sure that there is something to decode; false at the end of the input.
  bool has_input() {
    if (rest_.size == 0 && !at_input_end_) {
      const size_t got = input_->read(reinterpret_cast<char*>(buffer_.data()), buffer_.size());
      at_input_end_ = got == 0;
      rest_ = {buffer_.data(), got};
      bytes_read_ += got;
    }
    return rest_.size > 0;
  }

  /// Goes to the next compressed stream; false if the input ends well before one.
  bool begin_stream() {
    if (!is_first_) {
      skip_padding();
      if (!has_input()) {
        return false;
      }
      if (!decoder_->opens_stream(*rest_.data)) {
        fail_behind();
      }
    }
    decoder_->begin();
    in_stream_ = true;
    return true;
  }

  void skip_padding() {
    const uint64_t begin = offset();
    while (has_input() && *rest_.data == 0) {
      const uint8_t* end =
          std::find_if(rest_.data, rest_.data + rest_.size, [](uint8_t byte) { return byte != 0; });
      rest_.advance(static_cast<size_t>(end - rest_.data));
    }
    if (!decoder_->may_be_padded(offset() - begin, rest_.size == 0)) {
      fail_behind();
    }
  }

  void decode_into(DecoderOutput& output) {
    const size_t room = output.size;
    const bool more = has_input();
    const size_t had = rest_.size;
    switch (decoder_->decode(rest_, output)) {
      case StreamDecoder::Status::kStreamEnd:
        in_stream_ = false;
        is_first_ = false;
        return;
      case StreamDecoder::Status::kDamaged:
        throw DataError(fmt::format("{}: {} data is damaged at byte {}: {}", file_, word_, offset(),
                                    decoder_->reason()),
                        kDamageHint);
      case StreamDecoder::Status::kGoesOn:
        break;
    }
    if (!more && output.size == room) {
      throw DataError(
          fmt::format("{}: ends at byte {}, in the middle of its {} data", file_, offset(), word_),
          kDamageHint);
    }
    if (more && rest_.size == had && output.size == room) {
      throw DataError(fmt::format("{}: {} data cannot be read at byte {}", file_, word_, offset()),
                      kDamageHint);
    }
  }

  [[noreturn]] void fail_behind() const {
    throw DataError(fmt::format("{}: at byte {}, after the {} data, there is something else", file_,
                                offset(), word_),
                    "was it joined with a file that is not compressed? compress all of it, or cut "
                    "off what does not belong to it");
  }
};

}  // namespace

std::unique_ptr<ByteStream> decompress(std::unique_ptr<ByteStream> input,
                                       Compression compression,
                                       const std::string& file) {
  return std::make_unique<DecompressedStream>(std::move(input), compression, file);
}

}  // namespace brt
