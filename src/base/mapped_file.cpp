// SPDX-License-Identifier: Apache-2.0
// Maps with a memory of the file's size and time; a table of them for signal handlers.
#include "base/mapped_file.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file_errors.h"
#include "base/files.h"

namespace brt {
namespace {

constexpr size_t kNameBytes = 512;

/// One mapping of the process. `begin` is set last and cleared first; a handler of signals reads
/// it.
struct Slot {
  std::atomic<const char*> begin = nullptr;
  std::atomic<size_t> size = 0;
  std::atomic<bool> is_taken = false;
  std::array<char, kNameBytes> name = {};
};
// Maps beyond these have no name in the message about a file that was cut short.
std::array<Slot, 64> slots;

int take_slot(const char* begin, size_t size, const std::string& name) {
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].is_taken.exchange(true)) {
      const size_t kept = std::min(name.size(), kNameBytes - 1);
      std::memcpy(slots[i].name.data(), name.data(), kept);
      slots[i].name[kept] = '\0';
      slots[i].size = size;
      slots[i].begin = begin;
      return static_cast<int>(i);
    }
  }
  return -1;
}

void free_slot(int index) {
  if (index >= 0) {
    Slot& slot = slots[static_cast<size_t>(index)];
    slot.begin = nullptr;
    slot.is_taken = false;
  }
}

[[noreturn]] void fail_changed(const std::filesystem::path& path, const std::string& how) {
  throw DataError(fmt::format("{}: {} while it was being read", path.string(), how),
                  "let no other program write to the file meanwhile, and run the command again");
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path)
    : path_(path), file_(open_for_reading(path)) {
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) {
    throw_unreadable(path, "cannot be examined", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    throw DataError(fmt::format("{}: is no regular file", path.string()));
  }
  size_ = static_cast<size_t>(status.st_size);
  modified_ = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  if (size_ <= kLargestReadFile) {
    read_whole();
  } else {
    map();
  }
}

void MappedFile::read_whole() {
  if (size_ > 0) {
    copy_ = std::make_unique<char[]>(size_);
    data_ = copy_.get();
  }
  for (size_t done = 0; done < size_;) {
    const ssize_t got =
        retried([&] { return ::read(file_.get(), copy_.get() + done, size_ - done); });
    if (got < 0) {
      throw_unreadable(path_, "read failed", errno);
    }
    if (got == 0) {
      fail_changed(path_, "became shorter");
    }
    done += static_cast<size_t>(got);
  }
  check_unchanged();
  file_.reset();
}

void MappedFile::map() {
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (mapped == MAP_FAILED) {
    throw_unreadable(path_, "cannot be mapped", errno);
  }
  data_ = static_cast<const char*>(mapped);
  slot_ = take_slot(data_, size_, path_.string());
}

MappedFile::~MappedFile() {
  free_slot(slot_);
  if (data_ != nullptr && copy_ == nullptr) {
    ::munmap(const_cast<char*>(data_), size_);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept { swap(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  swap(other);
  return *this;
}

void MappedFile::swap(MappedFile& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(copy_, other.copy_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(modified_, other.modified_);
  std::swap(slot_, other.slot_);
}

void MappedFile::check_unchanged() const {
  if (!file_.is_open()) {
    return;  // in memory
  }
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) {
    throw_unreadable(path_, "cannot be examined", errno);
  }
  if (static_cast<size_t>(status.st_size) != size_) {
    fail_changed(path_,
                 fmt::format("became {} ({} bytes of {})",
                             static_cast<size_t>(status.st_size) < size_ ? "shorter" : "longer",
                             status.st_size, size_));
  }
  if (Times{status.st_mtim.tv_sec, status.st_mtim.tv_nsec} != modified_) {
    fail_changed(path_, "was written over");
  }
}

const char* file_at_address(const void* address) noexcept {
  const char* byte = static_cast<const char*>(address);
  for (const Slot& slot : slots) {
    const char* begin = slot.begin.load();
    if (begin != nullptr && byte >= begin && byte < begin + slot.size.load()) {
      return slot.name.data();
    }
  }
  return nullptr;
}

}  // namespace brt
