// SPDX-License-Identifier: Apache-2.0
// Any file is compressed text or gives a brt::Error, whatever its code and sizes say.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "compression/compression.h"
#include "fuzz_input.h"
#include "fuzz_model.h"

namespace brt {
namespace {

constexpr size_t kMostBytes = 96;    // a token a byte or more: time grows with the input
constexpr size_t kHeaderBytes = 23;  // without its checksum
constexpr size_t kContentBytes = sizeof(uint64_t);  // of the text's checksum, at the end

/// Goes over a size of seven bits a byte; nothing if it does not end.
std::optional<uint64_t> read_size(std::string_view bytes, size_t& place) {
  uint64_t size = 0;
  for (int shift = 0; shift < 64 && place < bytes.size(); shift += 7) {
    const uint64_t byte = static_cast<unsigned char>(bytes[place++]);
    size |= byte % 128 << shift;
    if (byte < 128) {
      return size;
    }
  }
  return std::nullopt;
}

/// Makes the checksum right that lies behind the part from `begin` to `end`, and goes behind it;
/// false if the file ends before.
bool mend_part(std::string& bytes, size_t& begin, size_t end, uint64_t seed) {
  if (end > bytes.size() || bytes.size() - end < sizeof(uint32_t)) {
    return false;
  }
  const uint32_t checksum =
      static_cast<uint32_t>(hash_bytes(std::string_view(bytes).substr(begin, end - begin), seed));
  std::memcpy(bytes.data() + end, &checksum, sizeof checksum);
  begin = end + sizeof checksum;
  return true;
}

/// Makes every checksum right, so that what lies behind them is tested too.
void mend_checksums(std::string& bytes) {
  size_t begin = 0;
  bool is_whole = mend_part(bytes, begin, kHeaderBytes, 0);
  for (uint64_t block = 0; is_whole; ++block) {
    size_t end = begin;
    const std::optional<uint64_t> size = read_size(bytes, end);
    if (!size || *size > bytes.size()) {
      return;
    }
    if (*size == 0) {  // the end: the size of the text, and its checksum
      read_size(bytes, end);
      mend_part(bytes, begin, end + kContentBytes, block);
      return;
    }
    is_whole = mend_part(bytes, begin, end + static_cast<size_t>(*size), block);
  }
}

constexpr size_t kMostCode = 24;  // three blocks of the model and more

/// An input that begins with this byte is a code, put into a file that is sound otherwise.
constexpr char kCodeMark = 'C';

std::string file_of(std::string_view input) {
  std::string bytes;
  if (input.starts_with(kCodeMark)) {
    CompressedFileWriter writer(identify(*fuzz_model().engine, fuzz_model().tokenizer),
                                [&](std::string_view part) { bytes += part; });
    writer.append(input.substr(1, kMostCode));
    writer.finish({});
  } else {
    bytes = input;
    mend_checksums(bytes);
  }
  return bytes;
}

void decompress_file(std::string_view rest) {
  CompressedFileReader reader("file", [&](char* buffer, size_t size) {
    const size_t count = std::min(size, rest.size());
    std::copy_n(rest.data(), count, buffer);
    rest.remove_prefix(count);
    return count;
  });
  decompress(*fuzz_model().engine, fuzz_model().tokenizer, reader, [](std::string_view) {});
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > brt::kMostBytes) {
    return -1;  // not to be kept
  }
  try {
    brt::decompress_file(brt::file_of(brt::input_text(data, size)));
  } catch (const brt::Error&) {
  }
  return 0;
}
