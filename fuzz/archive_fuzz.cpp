// SPDX-License-Identifier: Apache-2.0
// Any file is a tar archive, compressed JSON lines or whatever its first bytes say, or gives a
// brt::Error. The input's first byte says as what it is read; the checksums of a tar file are made
// right. The libraries of archives and compression are not built for fuzzing: what is looked for is
// how we use them, and that nothing grows without bound.
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/archive_reader.h"
#include "data/byte_stream.h"
#include "data/decompression.h"
#include "data/document_opener.h"
#include "data/document_source.h"
#include "data/jsonl_source.h"
#include "data/passed_over.h"
#include "fuzz_input.h"
#include "memory_file.h"

namespace brt {
namespace {

constexpr size_t kMostText = size_t{1} << 16;  // a few bytes may decompress to gigabytes

// A tar file's header of 512 bytes: where its fields lie.
constexpr size_t kRecord = 512;
constexpr size_t kSizeField = 124;
constexpr size_t kSizeDigits = 11;
constexpr size_t kSumField = 148;
constexpr size_t kSumBytes = 8;

void mend_sum(std::string& tar, size_t header) {
  std::memset(tar.data() + header + kSumField, ' ', kSumBytes);
  unsigned sum = 0;
  for (size_t i = 0; i < kRecord; ++i) {
    sum += static_cast<unsigned char>(tar[header + i]);
  }
  for (size_t digit = 0; digit < 6; ++digit, sum >>= 3) {
    tar[header + kSumField + 5 - digit] = static_cast<char>('0' + sum % 8);
  }
  tar[header + kSumField + 6] = '\0';
}

/// Of every header that lies where the sizes before it say.
void mend_sums(std::string& tar) {
  for (size_t header = 0; tar.size() - header >= kRecord;) {
    mend_sum(tar, header);
    size_t size = 0;
    for (size_t digit = 0; digit < kSizeDigits; ++digit) {
      const char octal = tar[header + kSizeField + digit];
      size = 8 * size + (octal >= '0' && octal < '8' ? static_cast<size_t>(octal - '0') : 0);
    }
    const size_t records = 1 + (size + kRecord - 1) / kRecord;
    if (records > (tar.size() - header) / kRecord) {
      return;
    }
    header += records * kRecord;
  }
}

template <class Stream>
void read_all(Stream& stream) {
  std::array<char, 4096> buffer{};
  for (size_t total = 0; total < kMostText;) {
    const size_t count = stream.read(buffer.data(), buffer.size());
    require_of_parser(count <= buffer.size());
    if (count == 0) {
      return;
    }
    total += count;
  }
}

void read_documents(DocumentSource& source) {
  for (size_t documents = 0; documents < kMostText && source.next_document(); ++documents) {
    read_all(source);
  }
}

void read_tar(const std::filesystem::path& path) {
  ArchiveReader reader(open_plain_stream(path), "archive");
  while (reader.next_member()) {
    read_all(reader);
  }
}

void read_compressed_lines(const std::filesystem::path& path, Compression compression) {
  read_documents(*open_jsonl(decompress(open_plain_stream(path), compression, "lines"), "lines"));
}

/// Recognised by its first bytes, as a file of a folder is.
void read_file_of_folder(const std::filesystem::path& path) {
  PassedOver passed_over;
  const std::function<void(const std::string&)> ignore_warning = [](const std::string&) {};
  DocumentOpener opener(passed_over, ignore_warning);
  const std::unique_ptr<DocumentSource> source = opener.open({.path = path, .name = "file"});
  if (source != nullptr) {
    read_documents(*source);
  }
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  brt::InputBytes input(brt::input_text(data, size));
  const uint8_t kind = input.byte();
  std::string bytes(input.text(size));
  if (kind == 'T') {
    brt::mend_sums(bytes);
  }
  const brt::MemoryFile file(bytes);
  try {
    if (kind == 'T' || kind == 't') {
      brt::read_tar(file.path());
    } else if (kind == 'J') {
      brt::read_compressed_lines(file.path(), bytes.starts_with('\x1f') ? brt::Compression::kGzip
                                                                        : brt::Compression::kZstd);
    } else {
      brt::read_file_of_folder(file.path());
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
