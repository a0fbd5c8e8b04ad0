// SPDX-License-Identifier: Apache-2.0
// Parts of a compressed file and their checksums.
#include "compression/compressed_file.h"

#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/little_endian.h"

namespace brt {
namespace {

constexpr std::string_view kMagic = "BRTC";
// A word's index is its number in files. (Earlier versions had the target brgemm.)
constexpr std::string_view kWeightFormats[] = {"fp32", "bf16", "int8"};
constexpr std::string_view kKernelTargets[] = {"scalar",   "avx512", "avx512vnni", "avx512bf16",
                                               "brgemm",   "amx",    "portable",   "avx2",
                                               "avx2vnni", "neon"};
constexpr size_t kBlockBytes = size_t{1} << 16;
using Checksum = uint32_t;
constexpr size_t kHeaderBytes =
    kMagic.size() + 3 * sizeof(uint8_t) + 2 * sizeof(uint64_t) + sizeof(Checksum);
constexpr int kSizeBits = 7;  // of a size in each of its bytes

uint8_t number_of(std::span<const std::string_view> words, const std::string& word) {
  for (size_t number = 0; number < words.size(); ++number) {
    if (words[number] == word) {
      return static_cast<uint8_t>(number);
    }
  }
  throw Error(fmt::format("compressed file: no number stands for '{}'", word));
}

std::string word_of(std::span<const std::string_view> words, uint8_t number) {
  if (number >= words.size()) {
    throw DataError(
        fmt::format("compressed file: no weight format or CPU target has the number {}", number),
        "decompress it with the version of brt that wrote it");
  }
  return std::string(words[number]);
}

void append_size(std::string& bytes, uint64_t size) {
  for (; size >> kSizeBits != 0; size >>= kSizeBits) {
    bytes.push_back(static_cast<char>(size % (1 << kSizeBits) | 1 << kSizeBits));
  }
  bytes.push_back(static_cast<char>(size));
}

Checksum checksum_of(std::string_view part, uint64_t seed) {
  return static_cast<Checksum>(hash_bytes(part, seed));
}

void append_checksum(std::string& part, uint64_t seed) {
  append_little_endian(part, checksum_of(part, seed));
}

}  // namespace

CompressedFileWriter::CompressedFileWriter(const ModelIdentity& model, ByteSink sink)
    : sink_(std::move(sink)) {
  std::string header(kMagic);
  append_little_endian(header, kCompressedFormatVersion);
  append_little_endian(header, model.model_fingerprint);
  append_little_endian(header, model.tokenizer_fingerprint);
  append_little_endian(header, number_of(kWeightFormats, model.weights));
  append_little_endian(header, number_of(kKernelTargets, model.kernel_target));
  append_checksum(header, /*seed=*/0);
  write(header);
}

void CompressedFileWriter::append(std::string_view coded) {
  pending_ += coded;
  size_t taken = 0;
  while (pending_.size() - taken >= kBlockBytes) {
    write_block(std::string_view(pending_).substr(taken, kBlockBytes));
    taken += kBlockBytes;
  }
  pending_.erase(0, taken);
}

void CompressedFileWriter::finish(const ContentSummary& content) {
  if (!pending_.empty()) {
    write_block(pending_);
    pending_.clear();
  }
  std::string end;
  append_size(end, 0);
  append_size(end, content.bytes);
  append_little_endian(end, content.checksum);
  append_checksum(end, num_blocks_);
  write(end);
}

void CompressedFileWriter::write_block(std::string_view coded) {
  std::string block;
  append_size(block, coded.size());
  block += coded;
  append_checksum(block, num_blocks_);
  ++num_blocks_;
  write(block);
}

void CompressedFileWriter::write(std::string_view bytes) {
  bytes_written_ += bytes.size();
  sink_(bytes);
}

CompressedFileReader::CompressedFileReader(std::string origin, ByteSource source)
    : origin_(std::move(origin)), source_(std::move(source)) {
  std::string header = read(kMagic.size());
  if (header != kMagic) {
    throw DataError(origin_ + ": not a compressed file", "such files are written by brt compress");
  }
  header += read(kHeaderBytes - header.size());
  size_t offset = kMagic.size();
  const uint8_t version = little_endian_at<uint8_t>(header, offset);
  if (version != kCompressedFormatVersion) {
    throw DataError(fmt::format("{}: has format version {}, this program reads version {}", origin_,
                                version, kCompressedFormatVersion),
                    "decompress it with the version of brt that wrote it");
  }
  verify(header, /*seed=*/0, "header");
  offset += sizeof(version);
  model_.model_fingerprint = little_endian_at<uint64_t>(header, offset);
  offset += sizeof(uint64_t);
  model_.tokenizer_fingerprint = little_endian_at<uint64_t>(header, offset);
  offset += sizeof(uint64_t);
  model_.weights = word_of(kWeightFormats, little_endian_at<uint8_t>(header, offset));
  offset += sizeof(uint8_t);
  model_.kernel_target = word_of(kKernelTargets, little_endian_at<uint8_t>(header, offset));
}

std::string CompressedFileReader::next_block() {
  std::string block;
  const uint64_t size = read_size(block);
  const size_t start = block.size();
  if (size == 0) {
    read_end(std::move(block));
    return "";
  }
  if (size > kBlockBytes) {
    throw DataError(origin_ + ": is damaged: a block would have " + std::to_string(size) +
                    " bytes, more than " + std::to_string(kBlockBytes));
  }
  block += read(size + sizeof(Checksum));
  verify(block, num_blocks_, "block");
  ++num_blocks_;
  return block.substr(start, size);
}

/// `end` holds the size 0 that it begins with.
void CompressedFileReader::read_end(std::string end) {
  content_.bytes = read_size(end);
  const size_t offset = end.size();
  end += read(sizeof(content_.checksum) + sizeof(Checksum));
  verify(end, num_blocks_, "end");
  content_.checksum = little_endian_at<uint64_t>(end, offset);
  char more = 0;
  if (source_(&more, 1) != 0) {
    throw DataError(origin_ + ": is damaged: something follows its end");
  }
}

uint64_t CompressedFileReader::read_size(std::string& part) {
  uint64_t size = 0;
  for (int shift = 0; shift < 64; shift += kSizeBits) {
    part += read(1);
    const uint64_t byte = static_cast<unsigned char>(part.back());
    size |= byte % (1 << kSizeBits) << shift;
    if (byte >> kSizeBits == 0) {
      return size;
    }
  }
  throw DataError(origin_ + ": is damaged: a size does not end");
}

std::string CompressedFileReader::read(size_t size) {
  std::string bytes(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const size_t got = source_(bytes.data() + filled, size - filled);
    if (got == 0) {
      throw DataError(origin_ + ": is damaged: the file is cut off");
    }
    filled += got;
  }
  return bytes;
}

void CompressedFileReader::verify(std::string_view part, uint64_t seed, const char* name) {
  const std::string_view content = part.substr(0, part.size() - sizeof(Checksum));
  const Checksum expected = little_endian_at<Checksum>(part, content.size());
  const Checksum got = checksum_of(content, seed);
  if (expected != got) {
    throw DataError(fmt::format("{}: is damaged: the checksum of its {} must be {:08x}, is {:08x}",
                                origin_, name, expected, got));
  }
}

bool begins_as_compressed_file(std::string_view start) { return start.starts_with(kMagic); }

}  // namespace brt
