// SPDX-License-Identifier: Apache-2.0
// Hints by error number.
#include "base/file_errors.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fmt/format.h>

namespace brt {
namespace {

std::string reading_hint(int reason) {
  switch (reason) {
    case ENOENT:
      return "check the path; a relative one begins at the folder of the command";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of the folders above it";
    case EIO:
      return "the disk or the network under it fails: look at the system's log";
    default:
      return "";
  }
}

std::string writing_hint(int reason) {
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return "free some space on that disk and run the command again";
    case EFBIG:
      return "the shell's limit on the size of files is too low (ulimit -f)";
    case ENOENT:
      return "make its folder first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENAMETOOLONG:
      return "give a shorter name";
    case EIO:
      return "the disk or the network under it fails: look at the system's log";
    default:
      return "";
  }
}

}  // namespace

void throw_unreadable(const std::filesystem::path& path, const char* what, int reason) {
  const std::string message = fmt::format("{}: {}: {}", path.string(), what, std::strerror(reason));
  if (reason == ENOENT || reason == ENOTDIR) {
    throw FileAbsent(message, reading_hint(reason));
  }
  throw FileUnreadable(message, reading_hint(reason));
}

void throw_unwritable(const std::filesystem::path& path, const char* what, int reason) {
  throw Error(fmt::format("{}: {}: {}", path.string(), what, std::strerror(reason)),
              writing_hint(reason));
}

}  // namespace brt
