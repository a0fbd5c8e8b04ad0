// SPDX-License-Identifier: Apache-2.0
// Names that promise a format, and the order in which bytes and names are asked.
#include "data/file_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/binary_signatures.h"

namespace brt {
namespace {

using namespace std::string_view_literals;

struct CompressedName {
  std::string_view ending;
  std::string_view replaced_by;
  Compression compression;
};

constexpr std::array kCompressedNames = {
    CompressedName{".gz", "", Compression::kGzip},
    CompressedName{".tgz", ".tar", Compression::kGzip},
    CompressedName{".zst", "", Compression::kZstd},
    CompressedName{".zstd", "", Compression::kZstd},
    CompressedName{".tzst", ".tar", Compression::kZstd},
    CompressedName{".xz", "", Compression::kXz},
    CompressedName{".txz", ".tar", Compression::kXz},
    CompressedName{".bz2", "", Compression::kBzip2},
    CompressedName{".tbz2", ".tar", Compression::kBzip2},
    CompressedName{".tbz", ".tar", Compression::kBzip2},
};

const CompressedName* compressed_name(std::string_view name) {
  for (const CompressedName& each : kCompressedNames) {
    if (name.ends_with(each.ending)) {
      return &each;
    }
  }
  return nullptr;
}

Compression compression_of(std::string_view head) {
  if (head.starts_with("\x1f\x8b"sv)) {
    return Compression::kGzip;
  }
  const bool is_skipped_frame =
      head.size() >= 4 && (head[0] & 0xf0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18"sv;
  if (head.starts_with("\x28\xb5\x2f\xfd"sv) || is_skipped_frame) {
    return Compression::kZstd;
  }
  if (head.starts_with("\xfd"
                       "7zXZ\0"sv)) {
    return Compression::kXz;
  }
  const bool is_block = head.size() >= 10 && (head.substr(4, 6) == "\x31\x41\x59\x26\x53\x59"sv ||
                                              head.substr(4, 6) == "\x17\x72\x45\x38\x50\x90"sv);
  if (head.starts_with("BZh") && is_block) {
    return Compression::kBzip2;
  }
  return Compression::kNone;
}

/// A header block of tar holds the sum of its bytes, its own field taken as spaces.
bool is_tar(std::string_view head) {
  constexpr size_t kBlock = 512;
  constexpr size_t kSum = 148;
  constexpr size_t kSumSize = 8;
  if (head.size() < kBlock) {
    return false;
  }
  std::string_view digits = head.substr(kSum, kSumSize);
  digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
  uint32_t written = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), written, 8).ec != std::errc()) {
    return false;
  }
  uint32_t sum = kSumSize * ' ';
  for (size_t i = 0; i < kBlock; ++i) {
    sum += i >= kSum && i < kSum + kSumSize ? 0 : static_cast<unsigned char>(head[i]);
  }
  return sum == written;
}

[[noreturn]] void fail_name(const std::string& file, std::string_view what) {
  throw DataError(fmt::format("{}: is not {}, as its name says", file, what),
                  "it may be damaged; if it is another kind of file, rename it");
}

}  // namespace

RecognizedFile recognize_file(std::string_view head,
                              std::string_view name,
                              const std::string& file) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const CompressedName* by_name = compressed_name(lower);
  const Compression compression = compression_of(head);
  if (compression != Compression::kNone) {
    if (by_name != nullptr) {
      lower.replace(lower.size() - by_name->ending.size(), std::string::npos, by_name->replaced_by);
    }
    return {FileFormat::kCompressed, compression, lower, ""};
  }
  if (by_name != nullptr) {
    fail_name(file, fmt::format("compressed by {}", to_word(by_name->compression)));
  }
  if (is_tar(head)) {
    return {FileFormat::kTar, {}, "", ""};
  }
  if (const std::string what = binary_kind(head, lower); !what.empty()) {
    return {FileFormat::kBinary, {}, "", what};
  }
  if (head.starts_with("PK\3\4"sv)) {
    return {FileFormat::kZip, {}, "", ""};
  }
  if (head.starts_with("PK\5\6"sv)) {
    return {FileFormat::kEmptyZip, {}, "", ""};
  }
  if (head.starts_with("7z\xbc\xaf\x27\x1c"sv)) {
    return {FileFormat::kSevenZip, {}, "", ""};
  }
  if (lower.ends_with(".tar")) {
    const bool is_empty = head.find_first_not_of('\0') == std::string_view::npos;
    if (!is_empty) {
      fail_name(file, "a tar archive");
    }
    return {FileFormat::kTar, {}, "", ""};
  }
  if (lower.ends_with(".zip") || lower.ends_with(".7z")) {
    fail_name(file, lower.ends_with(".7z") ? "a 7z archive" : "a zip archive");
  }
  if (lower.ends_with(".jsonl") || lower.ends_with(".ndjson")) {
    return {FileFormat::kJsonLines, {}, "", ""};
  }
  return {};
}

bool is_hidden_path(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, end);
    if (component.starts_with('.') && component != "." && component != "..") {
      return true;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

}  // namespace brt
