// SPDX-License-Identifier: Apache-2.0
// Asks the system about a path's folder.
#include "base/output_check.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"

namespace brt {

void check_output_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!path.has_filename() || std::filesystem::is_directory(path, error)) {
    throw Error(fmt::format("{}: cannot be written: it names a folder", path.string()),
                "give the name of a file");
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, error)) {
    throw Error(fmt::format("{}: cannot be written: there is no folder \"{}\"", path.string(),
                            folder.string()),
                "make the folder first");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(fmt::format("{}: cannot be written: folder \"{}\": {}", path.string(),
                            folder.string(), std::strerror(errno)),
                "choose a folder that you may write to");
  }
}

}  // namespace brt
