// SPDX-License-Identifier: Apache-2.0
// Whole records or none: what a failed write left is cut off again.
#include "train/record_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/descriptor.h"

namespace brt {
namespace {

/// Bytes written before an error; errno says which.
size_t write_until_error(int descriptor, std::string_view bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(descriptor, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno != EINTR) {
      break;
    }
    written += count > 0 ? static_cast<size_t>(count) : 0;
  }
  return written;
}

}  // namespace

RecordFile::RecordFile(std::filesystem::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

RecordFile::~RecordFile() { ::close(descriptor_); }

void RecordFile::append(std::string_view record) {
  waiting_ += record;
  flush();
}

void RecordFile::flush() {
  if (waiting_.empty()) {
    return;
  }
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  const size_t written = write_until_error(descriptor_, waiting_);
  if (written == waiting_.size()) {
    waiting_.clear();
    problem_.clear();
    return;
  }
  note_problem("written");
  if (written > 0 && (end < 0 || ::ftruncate(descriptor_, end) != 0)) {
    waiting_.erase(0, written);  // it stays; the rest joins it
  }
}

void RecordFile::sync() {
  flush();
  if (retried([&] { return ::fdatasync(descriptor_); }) != 0) {
    note_problem("flushed to disk");
  } else if (waiting_.empty()) {
    problem_.clear();
  }
}

void RecordFile::note_problem(const char* what) {
  problem_ = fmt::format("{}: cannot be {}: {}", path_.string(), what, std::strerror(errno));
}

}  // namespace brt
