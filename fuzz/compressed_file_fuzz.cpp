// SPDX-License-Identifier: Apache-2.0
// Any file is compressed text or gives a brt::Error, whatever its code and sizes say.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "fuzz_model.h"
#include "generate/compression.h"
#include "generate/little_endian.h"

namespace brt {
namespace {

constexpr size_t kHeaderBytes = 60;  // without its checksum
constexpr size_t kEndBytes = 20;     // the same
constexpr size_t kMostText = size_t{1} << 16;

/// Whether a part of this size, with its checksum, lies at `place`; the checksum is made right.
bool mend_part(std::string& bytes, size_t place, size_t size, uint64_t seed) {
  if (place > bytes.size() || bytes.size() - place < size + sizeof(uint64_t)) {
    return false;
  }
  const uint64_t checksum = hash_bytes(std::string_view(bytes).substr(place, size), seed);
  std::memcpy(bytes.data() + place + size, &checksum, sizeof checksum);
  return true;
}

/// Makes every checksum right, so that what lies behind them is tested too.
void mend_checksums(std::string& bytes) {
  bool is_whole = mend_part(bytes, 0, kHeaderBytes, 0);
  size_t place = kHeaderBytes + sizeof(uint64_t);
  for (uint64_t block = 0; is_whole && bytes.size() - place >= sizeof(uint32_t); ++block) {
    const uint32_t size = little_endian_at<uint32_t>(bytes, place);
    const size_t part = size == 0 ? kEndBytes : sizeof(uint32_t) + size;
    is_whole = mend_part(bytes, place, part, block) && size != 0;
    place += part + sizeof(uint64_t);
  }
}

/// An input that begins with this byte is a code, put into a file that is sound otherwise.
constexpr char kCodeMark = 'C';

std::string file_of(std::string_view input) {
  std::string bytes;
  if (input.starts_with(kCodeMark)) {
    CompressedFileWriter writer(identify(*fuzz_model().engine, fuzz_model().tokenizer),
                                [&](std::string_view part) { bytes += part; });
    writer.append(input.substr(1));
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
  size_t text_bytes = 0;
  decompress(*fuzz_model().engine, fuzz_model().tokenizer, reader, [&](std::string_view text) {
    text_bytes += text.size();
    if (text_bytes > kMostText) {
      throw Error("more text than is of interest here");
    }
  });
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    brt::decompress_file(brt::file_of(std::string_view(reinterpret_cast<const char*>(data), size)));
  } catch (const brt::Error&) {
  }
  return 0;
}
