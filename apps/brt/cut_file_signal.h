// SPDX-License-Identifier: Apache-2.0
// SIGBUS: a file that is mapped into memory was cut short by another program.
#pragma once

namespace brt {

/// From now on reading a mapped file past its new end, or from a disk that fails, ends the
/// process with a message that names the file, and exit code 1. Another SIGBUS is what it was.
void catch_cut_files();

}  // namespace brt
