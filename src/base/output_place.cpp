// SPDX-License-Identifier: Apache-2.0
// Questions to the system about a path, its links and its folder.
#include "base/output_place.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file_errors.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as the kernel's own limit

[[noreturn]] void refuse(const fs::path& path, const std::string& why, const std::string& hint) {
  throw Error(fmt::format("{}: cannot be written: {}", path.string(), why), hint);
}

bool is_same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// Descriptor 1 or 2 if it is this very file (as with -o /dev/stdout >> log): replacing the file
/// would lose what the shell has it open for.
int standard_descriptor_of(const struct stat& status) {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open_status = {};
    if (::fstat(descriptor, &open_status) == 0 && is_same_file(open_status, status)) {
      return descriptor;
    }
  }
  return -1;
}

/// The path that a chain of links ends at; nothing need be there.
fs::path followed(const fs::path& path) {
  fs::path place = path;
  for (int i = 0; i < kMostLinks; ++i) {
    struct stat status = {};
    if (::lstat(place.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) {
      return place;
    }
    std::error_code error;
    const fs::path target = fs::read_symlink(place, error);
    if (error) {
      throw_unwritable(path, "cannot be written", error.value());
    }
    place = target.is_absolute() ? target : place.parent_path() / target;
  }
  throw_unwritable(path, "cannot be written", ELOOP);
}

/// Whether the file system keeps a file from being replaced, whatever its permissions.
std::string fixed_because(const fs::path& path) {
  struct statx status = {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &status) != 0) {
    return "";
  }
  const uint64_t attributes = status.stx_attributes & status.stx_attributes_mask;
  if ((attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0) {
    return "the file system keeps the file from being replaced (chattr +i or +a)";
  }
  return (attributes & STATX_ATTR_MOUNT_ROOT) != 0 ? "it is a mount point, which cannot be replaced"
                                                   : "";
}

void check_replaceable(const fs::path& path, const OutputPlace& place, const struct stat& status) {
  constexpr mode_t kAnyWrite = S_IWUSR | S_IWGRP | S_IWOTH;
  if ((status.st_mode & kAnyWrite) == 0 ||
      ::faccessat(AT_FDCWD, place.path.c_str(), W_OK, AT_EACCESS) != 0) {
    const bool is_protected = (status.st_mode & kAnyWrite) == 0 || errno == EACCES;
    refuse(path,
           is_protected ? fmt::format("the file that is there is write-protected (mode {:04o})",
                                      status.st_mode & 07777)
                        : std::strerror(errno),
           "choose another name, or allow writing to the file first (chmod u+w)");
  }
  const std::string fixed = fixed_because(place.path);
  if (!fixed.empty()) {
    refuse(path, fixed, "choose another name");
  }
  struct stat folder = {};
  const uid_t self = ::geteuid();
  if (::stat(place.folder().c_str(), &folder) == 0 && (folder.st_mode & S_ISVTX) != 0 &&
      self != 0 && self != status.st_uid && self != folder.st_uid) {
    refuse(path, "it is another user's file in a folder where only its owner may replace it",
           "choose another name or folder");
  }
}

void check_folder(const fs::path& path, const OutputPlace& place) {
  const fs::path folder = place.folder();
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    refuse(path, fmt::format("there is no folder \"{}\"", folder.string()),
           "make the folder first");
  }
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    refuse(path, fmt::format("folder \"{}\": {}", folder.string(), std::strerror(errno)),
           "choose a folder that you may write to");
  }
  const size_t most_bytes = longest_name(folder);
  if (place.path.filename().native().size() > most_bytes) {
    refuse(path,
           fmt::format("the name has {} bytes, {} are possible",
                       place.path.filename().native().size(), most_bytes),
           "give a shorter name");
  }
}

OutputPlace place_through(const fs::path& path, const struct stat& status) {
  const int standard = standard_descriptor_of(status);
  if (standard < 0 && S_ISSOCK(status.st_mode)) {
    refuse(path, "it names a socket", "give the name of a file, a FIFO or a device");
  }
  if (standard < 0 && ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) {
    throw_unwritable(path, "cannot be written", errno);
  }
  return {.kind = OutputPlace::Kind::kThrough, .path = path, .standard_descriptor = standard};
}

}  // namespace

fs::path OutputPlace::folder() const {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

size_t longest_name(const fs::path& folder) {
  const long limit = ::pathconf(folder.c_str(), _PC_NAME_MAX);
  return limit > 0 ? static_cast<size_t>(limit) : NAME_MAX;
}

OutputPlace find_output_place(const fs::path& path) {
  struct stat status = {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  const int reason = is_there ? 0 : errno;
  if (!path.has_filename() || (is_there && S_ISDIR(status.st_mode))) {
    refuse(path, "it names a folder", "give the name of a file");
  }
  if (!is_there && reason != ENOENT && reason != ENOTDIR && reason != ENAMETOOLONG) {
    throw_unwritable(path, "cannot be written", reason);
  }
  if (is_there && (!S_ISREG(status.st_mode) || standard_descriptor_of(status) >= 0)) {
    return place_through(path, status);
  }
  OutputPlace place = {.path = followed(path)};
  if (is_there) {
    struct stat found = {};
    if (::lstat(place.path.c_str(), &found) != 0 || !is_same_file(found, status)) {
      return place_through(path, status);  // a link of /proc whose text is not where it leads
    }
    place.kind = OutputPlace::Kind::kReplaced;
    place.mode = status.st_mode & 07777;
    place.owner = status.st_uid;
    place.group = status.st_gid;
  }
  check_folder(path, place);
  if (is_there) {
    check_replaceable(path, place, status);
  } else if (reason == ENAMETOOLONG) {
    throw_unwritable(path, "cannot be written", reason);
  }
  return place;
}

}  // namespace brt
