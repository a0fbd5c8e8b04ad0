// SPDX-License-Identifier: Apache-2.0
// Compressed data is read to its last byte, or refused with file and offset.
#include "data/decompression.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <zstd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/seeded_random.h"
#include "data/data_fixtures.h"

namespace brt {
namespace {

using testing::message_of;
using testing::TemporaryFolder;

class MemoryStream : public ByteStream {
 public:
  /// @param part  bytes given at a time
  MemoryStream(std::string bytes, size_t part) : bytes_(std::move(bytes)), part_(part) {}
  size_t read(char* buffer, size_t size) override {
    const size_t count = std::min({size, part_, bytes_.size() - used_});
    std::memcpy(buffer, bytes_.data() + used_, count);
    used_ += count;
    return count;
  }
  uint64_t input_bytes_read() const override { return used_; }

 private:
  std::string bytes_;
  size_t part_;
  size_t used_ = 0;
};

std::string sample() {
  std::string text;
  for (int i = 0; i < 30000; ++i) {
    text += "line " + std::to_string(i * 7919 % 5003) + "\n";
  }
  return text;
}

std::string zstd_with_checksum(const std::string& text) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress2(context, bytes.data(), bytes.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return bytes;
}

std::string compressed(const std::string& text, Compression compression) {
  if (compression == Compression::kZstd) {
    return zstd_with_checksum(text);  // libarchive writes none
  }
  const TemporaryFolder folder;
  testing::write_archive(folder / "x", {{"x", text}}, compression, /*raw=*/true);
  return read_file(folder / "x");
}

std::string decompressed(const std::string& bytes,
                         Compression compression,
                         size_t part_in = 1 << 20,
                         size_t part_out = 10000) {
  const std::unique_ptr<ByteStream> stream =
      decompress(std::make_unique<MemoryStream>(bytes, part_in), compression, "file");
  std::string text;
  std::string buffer(part_out, '\0');
  while (const size_t size = stream->read(buffer.data(), buffer.size())) {
    text.append(buffer, 0, size);
  }
  return text;
}

std::string failure(const std::string& bytes, Compression compression) {
  return message_of<DataError>([&] { decompressed(bytes, compression); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class DecompressionOf : public ::testing::TestWithParam<Compression> {};
INSTANTIATE_TEST_SUITE_P(Formats,
                         DecompressionOf,
                         ::testing::Values(Compression::kGzip,
                                           Compression::kZstd,
                                           Compression::kXz,
                                           Compression::kBzip2),
                         [](const auto& test) { return std::string(to_word(test.param)); });

TEST_P(DecompressionOf, GivesWhatWasCompressedInPartsOfAnySize) {
  const std::string text = sample();
  const std::string bytes = compressed(text, GetParam());
  EXPECT_TRUE(decompressed(bytes, GetParam()) == text);
  EXPECT_TRUE(decompressed(bytes, GetParam(), 1, 1 << 20) == text);
  EXPECT_TRUE(decompressed(bytes, GetParam(), 100, 3) == text);
  EXPECT_EQ(decompressed(compressed("", GetParam()), GetParam()), "");
}

TEST_P(DecompressionOf, StreamsBehindOneAnotherAreJoined) {
  const std::string bytes = compressed("first ", GetParam()) + compressed("", GetParam()) +
                            compressed("second", GetParam());
  EXPECT_EQ(decompressed(bytes, GetParam()), "first second");
  EXPECT_EQ(decompressed(bytes, GetParam(), 1, 1), "first second");
}

TEST_P(DecompressionOf, EveryCutIsNoticed) {
  const std::string one = compressed("some text, some more text", GetParam());
  const std::string bytes = one + one;
  for (size_t size = 0; size < bytes.size(); ++size) {
    if (size == one.size()) {
      continue;
    }
    const std::string message = failure(bytes.substr(0, size), GetParam());
    EXPECT_TRUE(contains(message, "file: ends at byte " + std::to_string(size))) << message;
  }
}

TEST_P(DecompressionOf, FlippedBitsOfDataAndChecksumAreNoticed) {
  const std::string text = sample();
  const std::string bytes = compressed(text, GetParam());
  SeededRandom random(3);
  // The header's first bytes hold fields without meaning (gzip: time and system).
  for (int trial = 0; trial < 60; ++trial) {
    std::string damaged = bytes;
    const size_t place = 10 + random.below(bytes.size() - 10);
    damaged[place] = static_cast<char>(damaged[place] ^ (1 << random.below(8)));
    std::string got;
    const std::string message =
        message_of<DataError>([&] { got = decompressed(damaged, GetParam()); });
    // A few bits mean nothing, such as those that fill the last byte of bzip2.
    EXPECT_TRUE(contains(message, "file: ") || got == text) << "byte " << place;
  }
}

TEST_P(DecompressionOf, WhatStandsBehindIsNotDropped) {
  const std::string bytes = compressed("some text", GetParam());
  for (const std::string& behind :
       {std::string("{\"text\":\"plain\"}\n"), std::string("x"), std::string("\0\0\0\0junk", 8)}) {
    const std::string message = failure(bytes + behind, GetParam());
    EXPECT_TRUE(contains(message, "file: at byte ")) << message;
    EXPECT_TRUE(contains(message, "there is something else")) << message;
    EXPECT_TRUE(contains(message, "hint: ")) << message;
  }
}

TEST(Decompression, ZerosBehindGzipAndXzAreAllowedAsTheirProgramsDo) {
  const std::string padding(512, '\0');
  const std::string gzip = compressed("text", Compression::kGzip);
  EXPECT_EQ(decompressed(gzip + padding, Compression::kGzip), "text");
  EXPECT_NE(failure(gzip + padding + gzip, Compression::kGzip), "(nothing was thrown)");
  const std::string xz = compressed("text", Compression::kXz);
  EXPECT_EQ(decompressed(xz + padding + xz, Compression::kXz), "texttext");
  EXPECT_NE(failure(xz + std::string(3, '\0'), Compression::kXz), "(nothing was thrown)");
  const std::string zstd = compressed("text", Compression::kZstd);
  EXPECT_NE(failure(zstd + padding, Compression::kZstd), "(nothing was thrown)");
  const std::string bzip2 = compressed("text", Compression::kBzip2);
  EXPECT_NE(failure(bzip2 + padding, Compression::kBzip2), "(nothing was thrown)");
}

TEST(Decompression, GzipOfAnotherChecksumOrSizeIsRefused) {
  const std::string bytes = compressed("some text", Compression::kGzip);
  for (const size_t from_end : {1, 4, 5, 8}) {
    std::string damaged = bytes;
    char& byte = damaged[bytes.size() - from_end];
    byte = static_cast<char>(byte + 1);
    EXPECT_TRUE(contains(failure(damaged, Compression::kGzip), "gzip data is damaged at byte "))
        << failure(damaged, Compression::kGzip);
  }
}

}  // namespace
}  // namespace brt
