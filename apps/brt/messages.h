// SPDX-License-Identifier: Apache-2.0
// Text for the reader at the terminal, on stderr. Names of files and what damaged files say pass
// through here: nothing in them reaches the terminal as a command to it.
#pragma once

#include <string_view>

namespace brt {

/// Writes `text` to stderr, control characters escaped but for newlines. A stderr that takes
/// nothing (a log on a full disk, a reader that is gone) ends no work: failures are ignored, where
/// fmt::print would throw.
void write_message(std::string_view text);

/// The same without escaping: for the program's own commands to the terminal.
void write_terminal_commands(std::string_view text);

/// Sends the log (spdlog) to stderr, its texts escaped as those of write_message.
void set_up_log();

}  // namespace brt
