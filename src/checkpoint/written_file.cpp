// SPDX-License-Identifier: Apache-2.0
// The checksum is of what was in memory, not of what the disk has.
#include "checkpoint/written_file.h"

#include "base/files.h"

namespace brt {

WrittenFile write_recorded_file(const std::filesystem::path& path, std::string_view bytes) {
  return {.bytes = bytes.size(), .xxh3 = write_file_atomically(path, bytes)};
}

}  // namespace brt
