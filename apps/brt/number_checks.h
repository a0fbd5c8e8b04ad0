// SPDX-License-Identifier: Apache-2.0
// The one place that checks numbers on the command line. A number is written in decimal digits and
// nothing else: no hexadecimal or octal, no space, no sign but a minus, no digits left over.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>

namespace brt {

/// A whole number from `least` to `most`.
CLI::Validator whole_number(int64_t least, int64_t most = std::numeric_limits<int64_t>::max());

/// A seed: a whole number from 0 to 2^64 - 1, as all that the program prints.
CLI::Validator seed_number();

/// A number that is finite; what its flag is for decides about its range.
CLI::Validator finite_number();

/// The number that a whole text is, an infinity included; nothing if it is none, or is not in the
/// range of a double.
std::optional<double> parse_decimal(std::string_view text);

}  // namespace brt
