// SPDX-License-Identifier: Apache-2.0
// Descriptors 0 to 2, which a caller may have closed.
#pragma once

namespace brt {

/// Opens /dev/null in the place of each of stdin, stdout and stderr that is closed: the next file
/// that is opened would take its number, and what is meant for the terminal would be written into
/// that file. Call it before anything is opened.
void hold_standard_descriptors();

}  // namespace brt
