// SPDX-License-Identifier: Apache-2.0
// Text for the reader at the terminal, on stderr.
#pragma once

#include <string_view>

namespace brt {

/// Writes `text` to stderr as it is. A stderr that takes nothing (a log on a full disk) ends no
/// work: failures are ignored, where fmt::print would throw.
void write_message(std::string_view text);

}  // namespace brt
