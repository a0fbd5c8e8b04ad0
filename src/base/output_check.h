// SPDX-License-Identifier: Apache-2.0
// A look at an output file's place before the work that fills it.
#pragma once

#include <filesystem>

namespace brt {

/// Complains where an AtomicFile at `path` could not but fail (see find_output_place, and folders
/// that take no new file), and removes what killed processes left unfinished of this very file.
/// The file itself stays as it is. @throws Error with a hint.
void check_output_file(const std::filesystem::path& path);

}  // namespace brt
