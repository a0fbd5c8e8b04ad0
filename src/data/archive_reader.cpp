// SPDX-License-Identifier: Apache-2.0
// libarchive behind ArchiveReader: its formats only, decompression is our own.
#include "data/archive_reader.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr size_t kInputBlockBytes = size_t{1} << 16;
constexpr size_t kTarBlockBytes = 512;

std::string or_empty(const char* local, const char* utf8) {
  // The first is null if the name is not in the locale's character set.
  const char* name = local == nullptr ? utf8 : local;
  return name == nullptr ? "" : name;
}

/// While it lives, libarchive takes this thread's names for UTF-8: in the locale C, in which
/// programs start, it has no name for a member whose name is not ASCII.
class Utf8Locale {
 public:
  Utf8Locale() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    before_ = utf8 == nullptr ? nullptr : ::uselocale(utf8);
  }
  ~Utf8Locale() {
    if (before_ != nullptr) {
      ::uselocale(before_);
    }
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t before_ = nullptr;
};

ArchiveMember member_of(archive_entry* entry) {
  ArchiveMember member;
  member.name = or_empty(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
  const bool has_data = archive_entry_size_is_set(entry) != 0 && archive_entry_size(entry) > 0;
  const std::string target =
      or_empty(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
  if (!target.empty() && !has_data) {
    member.kind = ArchiveMember::Kind::kHardLink;
    member.target = target;
  } else if (archive_entry_filetype(entry) != AE_IFREG) {
    member.kind = ArchiveMember::Kind::kOther;
  }
  return member;
}

}  // namespace

/// Feeds libarchive, through which no exception may fly.
struct ArchiveReader::StreamInput {
  std::unique_ptr<ByteStream> stream;
  std::vector<char> buffer = std::vector<char>(kInputBlockBytes);
  std::exception_ptr failure;
  uint64_t bytes = 0;
  uint64_t zeros_at_end = 0;

  size_t fill() {
    const size_t got = stream->read(buffer.data(), buffer.size());
    size_t zeros = 0;
    while (zeros < got && buffer[got - 1 - zeros] == 0) {
      ++zeros;
    }
    zeros_at_end = zeros == got ? zeros_at_end + zeros : zeros;
    bytes += got;
    return got;
  }

  static la_ssize_t read(archive* handle, void* data, const void** block) {
    StreamInput& input = *static_cast<StreamInput*>(data);
    try {
      *block = input.buffer.data();
      return static_cast<la_ssize_t>(input.fill());
    } catch (...) {
      input.failure = std::current_exception();
      archive_set_error(handle, EIO, "the stream cannot be read");
      return ARCHIVE_FATAL;
    }
  }
};

void ArchiveReader::Free::operator()(archive* handle) const { archive_read_free(handle); }

ArchiveReader::ArchiveReader(std::unique_ptr<ByteStream> tar, const std::string& file)
    : file_(file),
      what_("tar archive"),
      input_(std::make_unique<StreamInput>()),
      handle_(archive_read_new()) {
  if (handle_ == nullptr) {
    throw std::bad_alloc();
  }
  input_->stream = std::move(tar);
  archive_read_support_format_tar(handle_.get());
  archive_read_support_format_empty(handle_.get());
  archive_read_set_format_option(handle_.get(), "tar", "read_concatenated_archives", "1");
  if (archive_read_open(handle_.get(), input_.get(), nullptr, StreamInput::read, nullptr) !=
      ARCHIVE_OK) {
    fail();
  }
}

ArchiveReader::ArchiveReader(const std::filesystem::path& path)
    : file_(path.string()), what_("archive"), handle_(archive_read_new()) {
  if (handle_ == nullptr) {
    throw std::bad_alloc();
  }
  // Read as a stream, a zip cut between two members would pass for whole.
  archive_read_support_format_zip_seekable(handle_.get());
  archive_read_support_format_7zip(handle_.get());
  if (archive_read_open_filename(handle_.get(), path.c_str(), kInputBlockBytes) != ARCHIVE_OK) {
    fail();
  }
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  file_bytes_ = error ? 0 : size;
}

ArchiveReader::~ArchiveReader() = default;

void ArchiveReader::fail() const {
  if (input_ != nullptr && input_->failure != nullptr) {
    std::rethrow_exception(input_->failure);
  }
  const char* reason = archive_error_string(handle_.get());
  throw DataError(fmt::format("{}: {} cannot be read{}: {}", file_, what_,
                              input_ == nullptr ? "" : fmt::format(" near byte {}", input_->bytes),
                              reason == nullptr ? "unknown reason" : reason),
                  "the file may be cut short or damaged: check it, or fetch it again");
}

std::optional<ArchiveMember> ArchiveReader::next_member() {
  const Utf8Locale utf8_names;
  archive_entry* entry = nullptr;
  while (true) {
    const int status = archive_read_next_header(handle_.get(), &entry);
    if (status == ARCHIVE_EOF) {
      while (input_ != nullptr && input_->fill() > 0) {
      }
      return std::nullopt;
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
      fail();
    }
    if (archive_entry_filetype(entry) != AE_IFDIR) {
      return member_of(entry);
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
  if (input_ != nullptr) {
    return input_->stream->input_bytes_read();
  }
  const int64_t bytes = archive_filter_bytes(handle_.get(), -1);
  return std::min(bytes < 0 ? 0 : static_cast<uint64_t>(bytes), file_bytes_);
}

bool ArchiveReader::lacks_end_mark() const {
  return input_ != nullptr && input_->bytes > 0 && input_->zeros_at_end < kTarBlockBytes;
}

}  // namespace brt
