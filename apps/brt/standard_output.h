// SPDX-License-Identifier: Apache-2.0
// Bytes for standard output, as they are.
#pragma once

#include <string_view>

namespace brt {

/// Writes bytes to stdout and passes them on at once. @throws Error with the system's reason, but
/// not after outlive_reader() if the reader is gone: then nothing is written any more.
void write_standard_output(std::string_view bytes);

/// The same, but what is written may wait for more.
void add_to_standard_output(std::string_view bytes);

/// Passes on what waits. @throws Error as write_standard_output.
void flush_standard_output();

/// Ends the line of a text that stands on a terminal without an end, so that the shell's prompt
/// begins a line. Elsewhere nothing is added.
void end_line_on_terminal();

/// By default a reader that goes away, as in `brt generate | head`, ends the process quietly. From
/// now on it only makes reader_is_gone() true: for work that has something to save first.
void outlive_reader();

/// Whether what was written last found no reader: a closed pipe, a terminal that hung up.
bool reader_is_gone();

/// Ends the process as it would have ended without outlive_reader().
[[noreturn]] void end_without_reader();

}  // namespace brt
