// SPDX-License-Identifier: Apache-2.0
// Parts of a compressed file and their checksums.
#include "generate/compressed_file.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "generate/little_endian.h"

namespace brt {
namespace {

constexpr std::string_view kMagic = "BRTCODED";
constexpr size_t kWordBytes = 16;  // of a weight format or kernel target
constexpr size_t kHeaderBytes =
    kMagic.size() + sizeof(uint32_t) + 2 * sizeof(uint64_t) + 2 * kWordBytes;
constexpr size_t kBlockBytes = size_t{1} << 16;
constexpr size_t kChecksumBytes = sizeof(uint64_t);

void append_word(std::string& bytes, const std::string& word) {
  std::string padded = word;
  padded.resize(kWordBytes, '\0');
  bytes += padded;
}

std::string word_at(std::string_view bytes, size_t place) {
  const std::string_view padded = bytes.substr(place, kWordBytes);
  return std::string(padded.substr(0, padded.find('\0')));
}

void append_checksum(std::string& part, uint64_t seed) {
  append_little_endian(part, hash_bytes(part, seed));
}

}  // namespace

CompressedFileWriter::CompressedFileWriter(const ModelIdentity& model, ByteSink sink)
    : sink_(std::move(sink)) {
  std::string header(kMagic);
  append_little_endian(header, kCompressedFormatVersion);
  append_little_endian(header, model.model_fingerprint);
  append_little_endian(header, model.tokenizer_fingerprint);
  append_word(header, model.weights);
  append_word(header, model.kernel_target);
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
  append_little_endian(end, uint32_t{0});
  append_little_endian(end, content.bytes);
  append_little_endian(end, content.checksum);
  append_checksum(end, num_blocks_);
  write(end);
}

void CompressedFileWriter::write_block(std::string_view coded) {
  std::string block;
  append_little_endian(block, static_cast<uint32_t>(coded.size()));
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
  const std::string magic = read(kMagic.size());
  if (magic != kMagic) {
    throw DataError(origin_ + ": not a compressed file", "such files are written by brt compress");
  }
  const std::string header = magic + read(kHeaderBytes + kChecksumBytes - kMagic.size());
  verify(header, /*seed=*/0, "header");
  size_t place = kMagic.size();
  const uint32_t version = little_endian_at<uint32_t>(header, place);
  if (version != kCompressedFormatVersion) {
    throw DataError(origin_ + ": has format version " + std::to_string(version) +
                        ", this program reads version " + std::to_string(kCompressedFormatVersion),
                    "decompress it with the version of brt that wrote it");
  }
  place += sizeof(version);
  model_.model_fingerprint = little_endian_at<uint64_t>(header, place);
  place += sizeof(uint64_t);
  model_.tokenizer_fingerprint = little_endian_at<uint64_t>(header, place);
  place += sizeof(uint64_t);
  model_.weights = word_at(header, place);
  model_.kernel_target = word_at(header, place + kWordBytes);
}

std::string CompressedFileReader::next_block() {
  const std::string start = read(sizeof(uint32_t));
  const uint32_t size = little_endian_at<uint32_t>(start, 0);
  if (size == 0) {
    read_end(start);
    return "";
  }
  if (size > kBlockBytes) {
    throw DataError(origin_ + ": is damaged: a block would have " + std::to_string(size) +
                    " bytes, more than " + std::to_string(kBlockBytes));
  }
  std::string block = start + read(size + kChecksumBytes);
  verify(block, num_blocks_, "block");
  ++num_blocks_;
  return block.substr(start.size(), size);
}

void CompressedFileReader::read_end(const std::string& start) {
  const std::string end = start + read(2 * sizeof(uint64_t) + kChecksumBytes);
  verify(end, num_blocks_, "end");
  content_.bytes = little_endian_at<uint64_t>(end, start.size());
  content_.checksum = little_endian_at<uint64_t>(end, start.size() + sizeof(uint64_t));
  char more = 0;
  if (source_(&more, 1) != 0) {
    throw DataError(origin_ + ": is damaged: something follows behind its end");
  }
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
  const std::string_view content = part.substr(0, part.size() - kChecksumBytes);
  const uint64_t expected = little_endian_at<uint64_t>(part, content.size());
  const uint64_t got = hash_bytes(content, seed);
  if (expected != got) {
    throw DataError(origin_ + ": is damaged: the checksum of its " + name + " must be " +
                    hash_text(expected) + ", is " + hash_text(got));
  }
}

bool begins_as_compressed_file(std::string_view start) { return start.starts_with(kMagic); }

}  // namespace brt
