// SPDX-License-Identifier: Apache-2.0
// POSIX files, read in pieces.
#include "base/files.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFirstReadBytes = 4096;  // most files that are read whole are small

}  // namespace

Descriptor open_for_reading(const fs::path& path) {
  Descriptor file(retried([&] { return ::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC); }));
  if (!file.is_open()) {
    throw_unreadable(path, "cannot be opened", errno);
  }
  struct stat status = {};
  if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw DataError(fmt::format("{}: is a folder, a file was expected", path.string()));
  }
  return file;
}

std::string read_file(const fs::path& path) {
  const Descriptor file = open_for_reading(path);
  std::string bytes;
  size_t used = 0;
  ssize_t got = 0;
  do {
    if (used == bytes.size()) {
      bytes.resize(std::max(kFirstReadBytes, 2 * used));
    }
    got = retried([&] { return ::read(file.get(), bytes.data() + used, bytes.size() - used); });
    if (got < 0) {
      throw_unreadable(path, "read failed", errno);
    }
    used += static_cast<size_t>(got);
  } while (got > 0);
  bytes.resize(used);
  return bytes;
}

bool name_exists(const fs::path& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) == 0) {
    return true;
  }
  if (errno != ENOENT && errno != ENOTDIR) {
    throw_unreadable(path, "cannot be examined", errno);
  }
  return false;
}

std::vector<fs::path> folder_entries(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  while (error == std::errc::interrupted) {
    entry = fs::directory_iterator(folder, error);
  }
  std::vector<fs::path> entries;
  while (!error && entry != fs::directory_iterator()) {
    entries.push_back(entry->path());
    entry.increment(error);
  }
  if (error) {
    throw_unreadable(folder, "cannot be read", error.value());
  }
  std::ranges::sort(entries);
  return entries;
}

}  // namespace brt
