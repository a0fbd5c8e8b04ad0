// SPDX-License-Identifier: Apache-2.0
// Opens a standard stream.
#include "base/file_stream.h"

#include <cerrno>

namespace brt {

std::ifstream open_stream(const std::filesystem::path& path) {
  std::ifstream stream;
  do {
    stream.clear();
    errno = 0;
    stream.open(path, std::ios::binary);
  } while (!stream && errno == EINTR);
  return stream;
}

}  // namespace brt
