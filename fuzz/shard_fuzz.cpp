// SPDX-License-Identifier: Apache-2.0
// Any file is a shard or gives a brt::Error; all tokens of a shard that was opened can be read.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "data/shard.h"
#include "memory_file.h"

namespace {

/// Makes the footer's checksum right, so that what lies behind that check is tested too.
void mend_checksum(std::string& bytes) {
  constexpr size_t kChecksumFromEnd = 16;  // checksum, "BRTSHEND"
  if (bytes.size() >= kChecksumFromEnd) {
    const size_t place = bytes.size() - kChecksumFromEnd;
    const uint64_t checksum = brt::hash_bytes(std::string_view(bytes).substr(0, place));
    std::memcpy(bytes.data() + place, &checksum, sizeof checksum);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  mend_checksum(bytes);
  const brt::MemoryFile file(bytes);
  try {
    const brt::Shard shard(file.path());
    for (size_t index = 0; index < shard.documents().size(); ++index) {
      std::vector<int32_t> tokens(static_cast<size_t>(shard.documents()[index].tokens));
      shard.read(static_cast<int64_t>(index), 0, tokens);
    }
  } catch (const brt::Error&) {
  }
  return 0;
}
