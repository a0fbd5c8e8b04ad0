// SPDX-License-Identifier: Apache-2.0
// Checks of numbers on the command line whose messages name the range in plain words.
#pragma once

#include <cstdint>
#include <limits>

#include <CLI/CLI.hpp>

namespace brt {

/// A whole number from `least` to `most`.
CLI::Validator whole_number(int64_t least, int64_t most = std::numeric_limits<int64_t>::max());

}  // namespace brt
