// SPDX-License-Identifier: Apache-2.0
// A file as a standard stream, for those who read parts of it.
#pragma once

#include <filesystem>
#include <fstream>

namespace brt {

/// The file's bytes; an open that a signal interrupts is tried again. To be checked by its user, as
/// any stream; errno says why it could not be opened.
std::ifstream open_stream(const std::filesystem::path& path);

}  // namespace brt
