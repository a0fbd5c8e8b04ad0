// SPDX-License-Identifier: Apache-2.0
// Layout and checks of a shard file.
#include "data/shard.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/error.h"

namespace brt {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are little-endian");

constexpr std::string_view kMagic = "BRTSHARD";
constexpr std::string_view kEndMagic = "BRTSHEND";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8;
constexpr size_t kFooterBytes = 8 + 8 + 8 + 8 + 8;
constexpr size_t kIndexEntryBytes = 4 * 8 + 4;  ///< without the name
constexpr int64_t kLargestVocabularyOfTwoBytes = 65536;
constexpr uint64_t kLargestCount = uint64_t{1} << 48;  ///< products of counts cannot overflow

size_t token_bytes_for(int64_t vocab_size) {
  return vocab_size <= kLargestVocabularyOfTwoBytes ? sizeof(uint16_t) : sizeof(uint32_t);
}

template <class T>
void append_number(std::string& bytes, T number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

/// The number at `position`; the caller has checked that it lies within.
template <class T>
T number_at(std::string_view bytes, size_t position) {
  BRT_ASSERT(position + sizeof(T) <= bytes.size());
  T number;
  std::memcpy(&number, bytes.data() + position, sizeof(T));
  return number;
}

size_t padding_after(size_t bytes) { return (8 - bytes % 8) % 8; }

template <class T>
void widen(const char* from, std::span<int32_t> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T token;
    std::memcpy(&token, from + i * sizeof(T), sizeof(T));
    out[i] = static_cast<int32_t>(token);
  }
}

template <class T>
T largest_token(const char* tokens, size_t count) {
  T largest = 0;
  for (size_t i = 0; i < count; ++i) {
    T token;
    std::memcpy(&token, tokens + i * sizeof(T), sizeof(T));
    largest = std::max(largest, token);
  }
  return largest;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& problem) {
  throw DataError(fmt::format("{}: {}", path.string(), problem),
                  "the file is damaged or not a shard: make the split again with brt prepare");
}

struct Footer {
  uint64_t documents;
  uint64_t tokens;
  uint64_t index_bytes;
  uint64_t checksum;
};

/// Checks header and footer against each other, the file's size and its checksum.
Footer check_frame(std::string_view bytes, const std::filesystem::path& path) {
  if (bytes.size() < kHeaderBytes + kFooterBytes) {
    refuse(path, fmt::format("cut short: {} bytes are too few for a shard", bytes.size()));
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    refuse(path, "is not a shard: its first bytes are others");
  }
  const uint32_t version = number_at<uint32_t>(bytes, 8);
  if (version != kVersion) {
    throw DataError(fmt::format("{}: shard of version {}, this program reads version {}",
                                path.string(), version, kVersion),
                    "make the split again with brt prepare");
  }
  if (bytes.substr(bytes.size() - kEndMagic.size()) != kEndMagic) {
    refuse(path, "cut short or altered: the mark at its end is missing");
  }
  const size_t footer_at = bytes.size() - kFooterBytes;
  const Footer footer = {
      number_at<uint64_t>(bytes, footer_at), number_at<uint64_t>(bytes, footer_at + 8),
      number_at<uint64_t>(bytes, footer_at + 16), number_at<uint64_t>(bytes, footer_at + 24)};
  const uint64_t checksum = hash_bytes(bytes.substr(0, footer_at + 24));
  if (checksum != footer.checksum) {
    refuse(path, fmt::format("altered: its checksum is {}, {} is recorded in it",
                             hash_text(checksum), hash_text(footer.checksum)));
  }
  return footer;
}

}  // namespace

ShardWriter::ShardWriter(const std::filesystem::path& path, int64_t vocab_size)
    : file_(path), token_bytes_(token_bytes_for(vocab_size)) {
  summary_.file = path.filename().string();
  std::string header(kMagic);
  append_number(header, kVersion);
  append_number(header, static_cast<uint32_t>(token_bytes_));
  append_number(header, static_cast<uint64_t>(vocab_size));
  put(header);
}

void ShardWriter::put(std::string_view bytes) {
  hash_.update(bytes.data(), bytes.size());
  file_.write(bytes);
}

void ShardWriter::append_tokens(std::span<const int32_t> tokens) {
  packed_.clear();
  for (const int32_t token : tokens) {
    if (token_bytes_ == sizeof(uint16_t)) {
      append_number(packed_, static_cast<uint16_t>(token));
    } else {
      append_number(packed_, static_cast<uint32_t>(token));
    }
  }
  put(packed_);
  summary_.tokens += static_cast<int64_t>(tokens.size());
}

void ShardWriter::end_document(const std::string& name, int64_t bytes, int64_t words) {
  append_number(index_, static_cast<uint64_t>(document_begin_));
  append_number(index_, static_cast<uint64_t>(summary_.tokens - document_begin_));
  append_number(index_, static_cast<uint64_t>(bytes));
  append_number(index_, static_cast<uint64_t>(words));
  append_number(index_, static_cast<uint32_t>(name.size()));
  index_ += name;
  document_begin_ = summary_.tokens;
  ++summary_.documents;
  summary_.bytes += bytes;
  summary_.words += words;
}

ShardSummary ShardWriter::finish() {
  BRT_ASSERT(document_begin_ == summary_.tokens);
  put(std::string(padding_after(static_cast<size_t>(summary_.tokens) * token_bytes_), '\0'));
  put(index_);
  std::string counts;
  append_number(counts, static_cast<uint64_t>(summary_.documents));
  append_number(counts, static_cast<uint64_t>(summary_.tokens));
  append_number(counts, static_cast<uint64_t>(index_.size()));
  put(counts);
  summary_.checksum = hash_.digest();
  std::string end;
  append_number(end, summary_.checksum);
  end += kEndMagic;
  file_.write(end);
  file_.commit();
  return summary_;
}

Shard::Shard(const std::filesystem::path& path) : file_(path) {
  const std::string_view bytes = file_.bytes();
  const Footer footer = check_frame(bytes, path);
  const uint64_t vocab_size = number_at<uint64_t>(bytes, 16);
  if (vocab_size == 0 || vocab_size > std::numeric_limits<int32_t>::max()) {
    refuse(path, fmt::format("vocabulary size {} is impossible", vocab_size));
  }
  vocab_size_ = static_cast<int64_t>(vocab_size);
  token_bytes_ = number_at<uint32_t>(bytes, 12);
  if (token_bytes_ != token_bytes_for(vocab_size_)) {
    refuse(path, fmt::format("{} bytes a token do not fit its vocabulary", token_bytes_));
  }
  if (footer.tokens > kLargestCount || footer.index_bytes > kLargestCount) {
    refuse(path, "the sizes recorded in it are impossible");
  }
  const size_t token_area = footer.tokens * token_bytes_;
  const size_t index_at = kHeaderBytes + token_area + padding_after(token_area);
  if (index_at + footer.index_bytes + kFooterBytes != bytes.size()) {
    refuse(path, fmt::format("the sizes recorded in it need {} bytes, the file has {}",
                             index_at + footer.index_bytes + kFooterBytes, bytes.size()));
  }
  summary_.file = path.filename().string();
  summary_.checksum = footer.checksum;
  summary_.documents = static_cast<int64_t>(std::min(footer.documents, kLargestCount));
  summary_.tokens = static_cast<int64_t>(footer.tokens);
  read_index(bytes.substr(index_at, footer.index_bytes), path);
  check_tokens(path);
  file_.check_unchanged();
}

void Shard::read_index(std::string_view index, const std::filesystem::path& path) {
  uint64_t next_token = 0;
  while (!index.empty()) {
    if (index.size() < kIndexEntryBytes) {
      refuse(path, "its index ends within an entry");
    }
    const uint64_t offset = number_at<uint64_t>(index, 0);
    const uint64_t tokens = number_at<uint64_t>(index, 8);
    const uint64_t bytes = number_at<uint64_t>(index, 16);
    const uint64_t words = number_at<uint64_t>(index, 24);
    const size_t name_bytes = number_at<uint32_t>(index, 32);
    index.remove_prefix(kIndexEntryBytes);
    if (name_bytes > index.size() || offset != next_token || tokens == 0 ||
        tokens > static_cast<uint64_t>(summary_.tokens) - next_token || bytes > kLargestCount ||
        words > bytes) {
      refuse(path, fmt::format("entry {} of its index is impossible", documents_.size()));
    }
    documents_.push_back({std::string(index.substr(0, name_bytes)), static_cast<int64_t>(tokens),
                          static_cast<int64_t>(bytes), static_cast<int64_t>(words)});
    offsets_.push_back(static_cast<int64_t>(offset));
    index.remove_prefix(name_bytes);
    next_token += tokens;
    summary_.bytes += static_cast<int64_t>(bytes);
    summary_.words += static_cast<int64_t>(words);
  }
  if (static_cast<int64_t>(documents_.size()) != summary_.documents ||
      static_cast<int64_t>(next_token) != summary_.tokens) {
    refuse(path, fmt::format("its index has {} documents and {} tokens, its footer {} and {}",
                             documents_.size(), next_token, summary_.documents, summary_.tokens));
  }
}

void Shard::check_tokens(const std::filesystem::path& path) const {
  const char* tokens = file_.bytes().data() + kHeaderBytes;
  const size_t count = static_cast<size_t>(summary_.tokens);
  const uint32_t largest = token_bytes_ == sizeof(uint16_t)
                               ? largest_token<uint16_t>(tokens, count)
                               : largest_token<uint32_t>(tokens, count);
  if (int64_t{largest} >= vocab_size_) {
    refuse(path, fmt::format("holds token {}, its vocabulary has {}", largest, vocab_size_));
  }
}

void Shard::read(int64_t document, int64_t from, std::span<int32_t> out) const {
  const size_t first = static_cast<size_t>(offsets_[static_cast<size_t>(document)] + from);
  const char* tokens = file_.bytes().data() + kHeaderBytes + first * token_bytes_;
  if (token_bytes_ == sizeof(uint16_t)) {
    widen<uint16_t>(tokens, out);
  } else {
    widen<uint32_t>(tokens, out);
  }
  file_.check_unchanged();
}

}  // namespace brt
