// SPDX-License-Identifier: Apache-2.0
// zlib, libzstd, liblzma and libbz2 behind StreamDecoder.
#include "data/stream_decoder.h"

#include <algorithm>
#include <limits>
#include <new>

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

namespace brt {
namespace {

unsigned int bounded(size_t size) {
  return static_cast<unsigned int>(
      std::min<size_t>(size, std::numeric_limits<unsigned int>::max()));
}

class GzipDecoder : public StreamDecoder {
 public:
  GzipDecoder() {
    constexpr int kWindowBits = 15;
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, kWindowBits + kGzipOnly) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  void begin() override { inflateReset(&stream_); }
  Status decode(DecoderInput& input, DecoderOutput& output) override {
    stream_.next_in = const_cast<Bytef*>(input.data);  // zlib's interface is older than const
    stream_.avail_in = bounded(input.size);
    stream_.next_out = output.data;
    stream_.avail_out = bounded(output.size);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    input.advance(static_cast<size_t>(stream_.next_in - input.data));
    output.advance(static_cast<size_t>(stream_.next_out - output.data));
    if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    }
    if (status == Z_STREAM_END) {
      return Status::kStreamEnd;
    }
    return status == Z_OK || status == Z_BUF_ERROR ? Status::kGoesOn : Status::kDamaged;
  }
  std::string reason() const override {
    return stream_.msg == nullptr ? "it needs a dictionary" : stream_.msg;
  }
  bool opens_stream(uint8_t first_byte) const override { return first_byte == 0x1f; }
  bool may_be_padded(uint64_t zeros, bool at_end) const override { return zeros == 0 || at_end; }

 private:
  z_stream stream_ = {};
};

class ZstdDecoder : public StreamDecoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) {
      throw std::bad_alloc();
    }
    // Archives of text are often packed with --long=31; the program zstd wants to be told so.
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kLargestWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  void begin() override { ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only); }
  Status decode(DecoderInput& input, DecoderOutput& output) override {
    ZSTD_inBuffer in = {input.data, input.size, 0};
    ZSTD_outBuffer out = {output.data, output.size, 0};
    status_ = ZSTD_decompressStream(stream_, &out, &in);
    input.advance(in.pos);
    output.advance(out.pos);
    if (ZSTD_isError(status_) != 0) {
      return Status::kDamaged;
    }
    return status_ == 0 ? Status::kStreamEnd : Status::kGoesOn;
  }
  std::string reason() const override { return ZSTD_getErrorName(status_); }
  bool opens_stream(uint8_t first_byte) const override {
    return first_byte == 0x28 || (first_byte & 0xf0) == 0x50;  // a frame, a frame to skip
  }

 private:
  static constexpr int kLargestWindowLog = 31;
  ZSTD_DStream* stream_;
  size_t status_ = 0;
};

class XzDecoder : public StreamDecoder {
 public:
  ~XzDecoder() override { lzma_end(&stream_); }
  XzDecoder() = default;
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;

  void begin() override {
    if (lzma_stream_decoder(&stream_, /*memlimit=*/UINT64_MAX, /*flags=*/0) != LZMA_OK) {
      throw std::bad_alloc();
    }
  }
  Status decode(DecoderInput& input, DecoderOutput& output) override {
    stream_.next_in = input.data;
    stream_.avail_in = input.size;
    stream_.next_out = output.data;
    stream_.avail_out = output.size;
    status_ = lzma_code(&stream_, LZMA_RUN);
    input.advance(static_cast<size_t>(stream_.next_in - input.data));
    output.advance(static_cast<size_t>(stream_.next_out - output.data));
    if (status_ == LZMA_MEM_ERROR) {
      throw std::bad_alloc();
    }
    if (status_ == LZMA_STREAM_END) {
      return Status::kStreamEnd;
    }
    return status_ == LZMA_OK || status_ == LZMA_BUF_ERROR ? Status::kGoesOn : Status::kDamaged;
  }
  std::string reason() const override {
    if (status_ == LZMA_FORMAT_ERROR) {
      return "no xz header";
    }
    return status_ == LZMA_OPTIONS_ERROR ? "options that are not supported"
                                         : "data or checksum is wrong";
  }
  bool opens_stream(uint8_t first_byte) const override { return first_byte == 0xfd; }
  bool may_be_padded(uint64_t zeros, bool /*at_end*/) const override { return zeros % 4 == 0; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret status_ = LZMA_OK;
};

class Bzip2Decoder : public StreamDecoder {
 public:
  Bzip2Decoder() = default;
  ~Bzip2Decoder() override { end(); }
  Bzip2Decoder(const Bzip2Decoder&) = delete;
  Bzip2Decoder& operator=(const Bzip2Decoder&) = delete;

  void begin() override {
    end();
    if (BZ2_bzDecompressInit(&stream_, /*verbosity=*/0, /*small=*/0) != BZ_OK) {
      throw std::bad_alloc();
    }
    is_open_ = true;
  }
  Status decode(DecoderInput& input, DecoderOutput& output) override {
    // bzlib's interface is older than const, too.
    stream_.next_in = const_cast<char*>(reinterpret_cast<const char*>(input.data));
    stream_.avail_in = bounded(input.size);
    stream_.next_out = reinterpret_cast<char*>(output.data);
    stream_.avail_out = bounded(output.size);
    const unsigned int had_in = stream_.avail_in;
    const unsigned int had_out = stream_.avail_out;
    status_ = BZ2_bzDecompress(&stream_);
    input.advance(had_in - stream_.avail_in);
    output.advance(had_out - stream_.avail_out);
    if (status_ == BZ_MEM_ERROR) {
      throw std::bad_alloc();
    }
    if (status_ == BZ_STREAM_END) {
      return Status::kStreamEnd;
    }
    return status_ == BZ_OK ? Status::kGoesOn : Status::kDamaged;
  }
  std::string reason() const override {
    return status_ == BZ_DATA_ERROR_MAGIC ? "no bzip2 header" : "data or checksum is wrong";
  }
  bool opens_stream(uint8_t first_byte) const override { return first_byte == 'B'; }

 private:
  bz_stream stream_ = {};
  bool is_open_ = false;
  int status_ = BZ_OK;

  void end() {
    if (is_open_) {
      BZ2_bzDecompressEnd(&stream_);
    }
    stream_ = {};
    is_open_ = false;
  }
};

}  // namespace

bool StreamDecoder::may_be_padded(uint64_t zeros, bool /*at_end*/) const { return zeros == 0; }

std::string_view to_word(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kZstd:
      return "zstd";
    case Compression::kXz:
      return "xz";
    case Compression::kBzip2:
      return "bzip2";
  }
  throw DataError("unknown compression");
}

std::unique_ptr<StreamDecoder> make_stream_decoder(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipDecoder>();
    case Compression::kZstd:
      return std::make_unique<ZstdDecoder>();
    case Compression::kXz:
      return std::make_unique<XzDecoder>();
    case Compression::kBzip2:
      return std::make_unique<Bzip2Decoder>();
    case Compression::kNone:
      break;
  }
  throw DataError("decompress: no compression is named");
}

}  // namespace brt
