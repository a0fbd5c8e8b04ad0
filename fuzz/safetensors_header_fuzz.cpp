// SPDX-License-Identifier: Apache-2.0
// Any text is a safetensors header or gives a brt::Error; ranges that were accepted lie in the
// data.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "safetensors/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kDataBytes = 64;  // as many as the seed's tensors take
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const brt::SafetensorsHeader header =
        brt::parse_safetensors_header(text, kDataBytes, "model.safetensors");
    for (const brt::SafetensorsEntry& entry : header.entries) {
      if (entry.begin > entry.end || entry.end > kDataBytes) {
        std::abort();
      }
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
