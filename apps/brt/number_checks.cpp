// SPDX-License-Identifier: Apache-2.0
// CLI11 itself reads 0x10, 010 (as 8), 1_000 and nan, lets an unsigned number be -1, and prints
// limits in full length: what passes here means the same to it.
#include "number_checks.h"

#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace brt {
namespace {

/// CLI11 takes a zero in front of other digits for octal.
bool has_leading_zero(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  return digits.size() > 1 && digits.front() == '0' && digits[1] >= '0' && digits[1] <= '9';
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, value);
  const bool is_whole = read.ec == std::errc() && read.ptr == end;
  return is_whole && !has_leading_zero(text) ? std::optional(value) : std::nullopt;
}

std::string refusal(const std::string& expected, const std::string& text) {
  const char* cure = has_leading_zero(text) ? "; leave out the zeros in front" : "";
  return fmt::format("must be {}, got \"{}\"{}", expected, text, cure);
}

}  // namespace

CLI::Validator whole_number(int64_t least, int64_t most) {
  const std::string range = most == std::numeric_limits<int64_t>::max()
                                ? fmt::format("of at least {}", least)
                                : fmt::format("from {} to {}", least, most);
  return CLI::Validator(
      [=](const std::string& text) -> std::string {
        const std::optional<int64_t> value = parse_whole<int64_t>(text);
        return value && *value >= least && *value <= most
                   ? ""
                   : refusal("a whole number " + range, text);
      },
      /*validator_desc=*/"");
}

CLI::Validator seed_number() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        return parse_whole<uint64_t>(text)
                   ? ""
                   : refusal(fmt::format("a whole number from 0 to {}",
                                         std::numeric_limits<uint64_t>::max()),
                             text);
      },
      /*validator_desc=*/"");
}

CLI::Validator finite_number() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        const std::optional<double> value = parse_decimal(text);
        return value && std::isfinite(*value) ? "" : refusal("a number such as 0.8", text);
      },
      /*validator_desc=*/"");
}

std::optional<double> parse_decimal(std::string_view text) {
  double value = 0.0;
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, value);
  const bool is_number =
      read.ec == std::errc() && read.ptr == end && !std::isnan(value) && !has_leading_zero(text);
  return is_number ? std::optional(value) : std::nullopt;
}

}  // namespace brt
