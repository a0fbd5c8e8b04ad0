// SPDX-License-Identifier: Apache-2.0
// A look at an output file's place before the work that fills it.
#pragma once

#include <filesystem>

namespace brt {

/// Complains where write_file_atomically(path) could not but fail: its folder is missing or may not
/// be written, or the path is a folder. Writes nothing. @throws Error with a hint.
void check_output_file(const std::filesystem::path& path);

}  // namespace brt
