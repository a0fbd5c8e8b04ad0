// SPDX-License-Identifier: Apache-2.0
// libarchive behind ArchiveReader; formats and filters are those of the contract only.
#include "data/archive_reader.h"

#include <new>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr size_t kInputBlockBytes = size_t{1} << 16;

std::string member_name(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) {  // not expressible in the locale's character set
    name = archive_entry_pathname_utf8(entry);
  }
  return name == nullptr ? "" : name;
}

}  // namespace

void ArchiveReader::Free::operator()(archive* handle) const { archive_read_free(handle); }

ArchiveReader::ArchiveReader(const std::filesystem::path& path, Format format)
    : path_(path), format_(format), handle_(archive_read_new()) {
  if (handle_ == nullptr) {
    throw std::bad_alloc();
  }
  archive_read_support_filter_gzip(handle_.get());
  archive_read_support_filter_zstd(handle_.get());
  if (format == Format::kTar) {
    archive_read_support_format_tar(handle_.get());
  } else {
    archive_read_support_format_raw(handle_.get());
    archive_read_support_format_empty(handle_.get());
  }
  if (archive_read_open_filename(handle_.get(), path_.c_str(), kInputBlockBytes) != ARCHIVE_OK) {
    fail();
  }
}

void ArchiveReader::fail() const {
  const char* reason = archive_error_string(handle_.get());
  const char* what = format_ == Format::kTar ? "tar archive" : "compressed file";
  throw DataError(fmt::format("{}: {} cannot be read: {}", path_.string(), what,
                              reason == nullptr ? "unknown reason" : reason),
                  "the file may be cut short or damaged: check it, or fetch it again");
}

std::optional<std::string> ArchiveReader::next_member() {
  archive_entry* entry = nullptr;
  while (true) {
    const int status = archive_read_next_header(handle_.get(), &entry);
    if (status == ARCHIVE_EOF) {
      return std::nullopt;
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
      fail();
    }
    if (format_ == Format::kCompressed) {
      if (archive_filter_code(handle_.get(), 0) == ARCHIVE_FILTER_NONE) {
        throw DataError(
            fmt::format("{}: is not compressed by gzip or zstd, as its name says", path_.string()),
            "rename the file, or compress it");
      }
      return path_.filename().string();
    }
    const bool is_file = archive_entry_filetype(entry) == AE_IFREG;
    if (is_file && archive_entry_hardlink(entry) == nullptr) {
      return member_name(entry);
    }
  }
}

size_t ArchiveReader::read(char* buffer, size_t size) {
  ssize_t got = 0;
  do {
    got = archive_read_data(handle_.get(), buffer, size);
  } while (got == ARCHIVE_RETRY);
  if (got < 0) {
    fail();
  }
  return static_cast<size_t>(got);
}

uint64_t ArchiveReader::input_bytes_read() const {
  const int64_t bytes = archive_filter_bytes(handle_.get(), -1);
  return bytes < 0 ? 0 : static_cast<uint64_t>(bytes);
}

}  // namespace brt
