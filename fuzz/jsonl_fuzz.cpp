// SPDX-License-Identifier: Apache-2.0
// Any bytes are JSON lines with documents or give a brt::Error.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/byte_stream.h"
#include "data/document_source.h"
#include "data/jsonl_source.h"

namespace {

class MemoryStream : public brt::ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : rest_(bytes) {}
  size_t read(char* buffer, size_t size) override {
    const size_t count = std::min(size, rest_.size());
    if (count > 0) {
      std::memcpy(buffer, rest_.data(), count);
    }
    rest_.remove_prefix(count);
    return count;
  }
  uint64_t input_bytes_read() const override { return 0; }

 private:
  std::string_view rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const std::unique_ptr<brt::DocumentSource> source =
        brt::open_jsonl(std::make_unique<MemoryStream>(bytes), "input.jsonl");
    while (source->next_document()) {
      std::array<char, 64> buffer{};
      while (source->read(buffer.data(), buffer.size()) > 0) {
      }
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
