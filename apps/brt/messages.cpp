// SPDX-License-Identifier: Apache-2.0
// Unformatted output through stdio.
#include "messages.h"

#include <cstdio>

namespace brt {

void write_message(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace brt
