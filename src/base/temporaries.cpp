// SPDX-License-Identifier: Apache-2.0
// Temporary names from the system's random numbers; locks tell the living from the dead.
#include "base/temporaries.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <random>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".brt-partial-";
constexpr size_t kDigits = 16;

uint64_t unguessable_number() {
  uint64_t number = 0;
  if (retried([&] { return ::getrandom(&number, sizeof(number), GRND_NONBLOCK); }) !=
      static_cast<ssize_t>(sizeof(number))) {
    std::random_device device;  // a system without the call, or just started
    number = (uint64_t{device()} << 32) | device();
  }
  return number;
}

/// ".NAME.brt-partial-", with NAME cut at the border of a UTF-8 character where it is too long.
std::string prefix_for(std::string_view name, size_t most_bytes) {
  const size_t fixed = 1 + kMark.size() + kDigits;
  size_t kept = std::min(name.size(), most_bytes > fixed ? most_bytes - fixed : 0);
  while (kept > 0 && kept < name.size() &&
         (static_cast<unsigned char>(name[kept]) & 0xC0) == 0x80) {
    --kept;
  }
  return fmt::format(".{}{}", name.substr(0, kept), kMark);
}

bool is_number(std::string_view text) {
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void remove_if_dead(const fs::path& path) {
  const Descriptor file(retried([&] {
    return ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  }));
  struct stat status = {};
  if (file.is_open() && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
      retried([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) == 0) {
    ::unlink(path.c_str());
  }
}

void remove_dead(const fs::path& folder, const std::function<bool(const std::string&)>& is_meant) {
  for (const fs::path& entry : folder_entries(folder)) {
    if (is_meant(entry.filename().string())) {
      remove_if_dead(entry);
    }
  }
}

}  // namespace

std::string temporary_name(std::string_view name, size_t most_bytes) {
  return fmt::format("{}{:016x}", prefix_for(name, most_bytes), unguessable_number());
}

bool is_temporary_name(std::string_view file_name) {
  const size_t mark = file_name.rfind(kMark);
  return file_name.starts_with('.') && mark != std::string_view::npos && mark > 0 &&
         is_number(file_name.substr(mark + kMark.size()));
}

bool is_temporary_name(std::string_view file_name, std::string_view name, size_t most_bytes) {
  const std::string prefix = prefix_for(name, most_bytes);
  return file_name.starts_with(prefix) && is_number(file_name.substr(prefix.size()));
}

bool hold_temporary(int descriptor) {
  if (retried([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) != 0) {
    return errno != EWOULDBLOCK;  // where files cannot be locked, none is taken for dead either
  }
  struct stat status = {};
  return ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

void remove_dead_temporaries(const fs::path& folder) noexcept {
  try {
    remove_dead(folder, [](const std::string& name) { return is_temporary_name(name); });
  } catch (const std::exception&) {  // a folder that may not be listed: the next run will try again
  }
}

void remove_dead_temporaries_of(const fs::path& file) noexcept {
  try {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    const long limit = ::pathconf(folder.c_str(), _PC_NAME_MAX);
    const size_t most_bytes = limit > 0 ? static_cast<size_t>(limit) : 255;
    const std::string name = file.filename().string();
    remove_dead(folder, [&](const std::string& other) {
      return is_temporary_name(other, name, most_bytes);
    });
  } catch (const std::exception&) {  // as above
  }
}

}  // namespace brt
