// SPDX-License-Identifier: Apache-2.0
// CLI11's own range check accepts what its number parser does (-1 for an unsigned number, say) and
// prints limits in full length.
#include "number_checks.h"

#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace brt {
namespace {

template <class Number>
CLI::Validator number_check(const char* kind, Number least, Number most) {
  const std::string range = most == std::numeric_limits<Number>::max()
                                ? fmt::format("of at least {}", least)
                                : fmt::format("from {} to {}", least, most);
  return CLI::Validator(
      [=](const std::string& text) -> std::string {
        Number value = 0;
        const char* end = text.data() + text.size();
        const std::from_chars_result read = std::from_chars(text.data(), end, value);
        const bool is_inside = value >= least && value <= most;
        if (read.ec == std::errc() && read.ptr == end && is_inside) {
          return "";
        }
        return fmt::format("must be a {} {}, got \"{}\"", kind, range, text);
      },
      /*validator_desc=*/"");
}

}  // namespace

CLI::Validator whole_number(int64_t least, int64_t most) {
  return number_check<int64_t>("whole number", least, most);
}

CLI::Validator number_from(double least, double most) {
  return number_check<double>("number", least, most);
}

}  // namespace brt
