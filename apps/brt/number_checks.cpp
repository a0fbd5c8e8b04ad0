// SPDX-License-Identifier: Apache-2.0
// CLI11's own range check lets an unsigned number be -1 and prints limits in full length.
#include "number_checks.h"

#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace brt {

CLI::Validator whole_number(int64_t least, int64_t most) {
  const std::string range = most == std::numeric_limits<int64_t>::max()
                                ? fmt::format("of at least {}", least)
                                : fmt::format("from {} to {}", least, most);
  return CLI::Validator(
      [=](const std::string& text) -> std::string {
        int64_t value = 0;
        const char* end = text.data() + text.size();
        const std::from_chars_result read = std::from_chars(text.data(), end, value);
        if (read.ec == std::errc() && read.ptr == end && value >= least && value <= most) {
          return "";
        }
        return fmt::format("must be a whole number {}, got \"{}\"", range, text);
      },
      /*validator_desc=*/"");
}

}  // namespace brt
