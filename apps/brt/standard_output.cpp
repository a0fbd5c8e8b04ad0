// SPDX-License-Identifier: Apache-2.0
// Standard output through the C library, as fmt::print uses it.
#include "standard_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/error.h"

namespace brt {

void write_standard_output(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() ||
      std::fflush(stdout) != 0) {
    throw Error(fmt::format("standard output: cannot be written: {}", std::strerror(errno)));
  }
}

}  // namespace brt
