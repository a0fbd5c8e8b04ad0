// SPDX-License-Identifier: Apache-2.0
// Looks at a stream's first bytes and chooses how its documents are read.
#include "data/document_opener.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/decompression.h"
#include "data/file_format.h"
#include "data/jsonl_source.h"

namespace brt {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxDepth = 8;          ///< layers of compression and archives
constexpr int64_t kMaxWarnings = 10;  ///< about files that are no text; all of them are counted
constexpr const char* kReadableHint =
    "texts and JSON lines are read, also compressed by gzip, zstd, xz or bzip2 and in tar, zip and "
    "7z archives";

/// A stream whose first bytes have been looked at.
class PeekedStream : public ByteStream {
 public:
  explicit PeekedStream(std::unique_ptr<ByteStream> stream)
      : stream_(std::move(stream)), head_(kRecognizedBytes, '\0') {
    size_t filled = 0;
    while (filled < head_.size()) {
      const size_t got = stream_->read(head_.data() + filled, head_.size() - filled);
      if (got == 0) {
        break;
      }
      filled += got;
    }
    head_.resize(filled);
  }
  const std::string& head() const { return head_; }

  size_t read(char* buffer, size_t size) override {
    if (used_ == head_.size()) {
      return stream_->read(buffer, size);
    }
    const size_t count = std::min(size, head_.size() - used_);
    std::memcpy(buffer, head_.data() + used_, count);
    used_ += count;
    return count;
  }
  bool wait(int milliseconds) override {
    return used_ < head_.size() || stream_->wait(milliseconds);
  }
  uint64_t input_bytes_read() const override { return stream_->input_bytes_read(); }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::string head_;
  size_t used_ = 0;
};

/// One stream that is one document.
class FileSource : public DocumentSource {
 public:
  FileSource(std::unique_ptr<ByteStream> stream, const std::string& name)
      : stream_(std::move(stream)), name_(name) {}

  std::optional<std::string> next_document() override { return std::exchange(name_, std::nullopt); }
  size_t read(char* buffer, size_t size) override { return stream_->read(buffer, size); }
  uint64_t input_bytes_read() const override { return stream_->input_bytes_read(); }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::optional<std::string> name_;
};

}  // namespace

/// Where a stream comes from.
struct DocumentOpener::Origin {
  std::string label;  ///< for messages: the path, and within archives the member's path after it
  std::string name;   ///< of the document
  std::string type_name;  ///< what tells its format: the name without endings of compression
  bool named = false;     ///< an input itself
  int depth = 0;
  fs::path path;  ///< of a regular file that the stream gives as it is, else empty
  /// The stream from its beginning; null if it can be read once only.
  std::function<std::unique_ptr<ByteStream>()> again;
};

std::unique_ptr<DocumentSource> DocumentOpener::open(const InputFile& file) {
  const bool is_stdin = file.path == "-";
  Origin origin = {.label = is_stdin ? "standard input" : file.path.string(),
                   .name = file.name,
                   .type_name = is_stdin ? "" : file.path.filename().string(),
                   .named = file.named,
                   .path = {},
                   .again = nullptr};
  std::error_code error;
  if (!is_stdin && fs::is_regular_file(file.path, error)) {
    origin.path = file.path;
    origin.again = [path = file.path] { return open_plain_stream(path); };
  }
  return open_stream(open_plain_stream(file.path), std::move(origin));
}

std::unique_ptr<DocumentSource> DocumentOpener::open_stream(std::unique_ptr<ByteStream> stream,
                                                            Origin origin) {
  if (origin.depth > kMaxDepth) {
    throw DataError(fmt::format("{}: more than {} archives or compressed files, one in another",
                                origin.label, kMaxDepth));
  }
  std::unique_ptr<PeekedStream> peeked = std::make_unique<PeekedStream>(std::move(stream));
  const RecognizedFile found = recognize_file(peeked->head(), origin.type_name, origin.label);
  switch (found.format) {
    case FileFormat::kText:
      return std::make_unique<FileSource>(std::move(peeked), origin.name);
    case FileFormat::kJsonLines:
      return open_jsonl(std::move(peeked), origin.label);
    case FileFormat::kTar:
      return open_tar(std::move(peeked), origin);
    case FileFormat::kZip:
    case FileFormat::kSevenZip:
      return open_packed(origin);
    case FileFormat::kEmptyZip:  // which libarchive does not know
      ++passed_over_.empty;
      return nullptr;
    case FileFormat::kBinary:
      return pass_over(origin, found.what);
    case FileFormat::kCompressed:
      break;
  }
  std::unique_ptr<ByteStream> plain =
      decompress(std::move(peeked), found.compression, origin.label);
  if (origin.again != nullptr) {
    origin.again = [again = std::move(origin.again), compression = found.compression,
                    label = origin.label] { return decompress(again(), compression, label); };
  }
  origin.path.clear();
  origin.type_name = found.inner_name;
  ++origin.depth;
  return open_stream(std::move(plain), std::move(origin));
}

std::unique_ptr<DocumentSource> DocumentOpener::open_tar(std::unique_ptr<ByteStream> stream,
                                                         const Origin& origin) {
  ArchiveOrigin archive = archive_origin(origin);
  if (origin.again != nullptr) {
    archive.open = [again = origin.again, label = origin.label] {
      return std::make_unique<ArchiveReader>(again(), label);
    };
  }
  return std::make_unique<ArchiveSource>(
      std::make_unique<ArchiveReader>(std::move(stream), origin.label), std::move(archive),
      passed_over_);
}

std::unique_ptr<DocumentSource> DocumentOpener::open_packed(const Origin& origin) {
  if (origin.path.empty()) {
    return pass_over(origin, "a zip or 7z archive that is not a file of its own");
  }
  return std::make_unique<ArchiveSource>(std::make_unique<ArchiveReader>(origin.path),
                                         archive_origin(origin), passed_over_);
}

ArchiveOrigin DocumentOpener::archive_origin(const Origin& origin) {
  return {.file = origin.label,
          .open = nullptr,
          .open_member =
              [this, label = origin.label, depth = origin.depth + 1](
                  std::unique_ptr<ByteStream> member, const std::string& name) {
                return open_stream(std::move(member), {.label = label + "/" + name,
                                                       .name = name,
                                                       .type_name = name,
                                                       .depth = depth,
                                                       .path = {},
                                                       .again = nullptr});
              },
          .warn = [this](const std::string& warning) { warn(warning); }};
}

std::unique_ptr<DocumentSource> DocumentOpener::pass_over(const Origin& origin,
                                                          const std::string& what) {
  if (origin.named) {
    throw DataError(fmt::format("{}: is {}, not text", origin.label, what), kReadableHint);
  }
  ++passed_over_.binary;
  ++passed_over_.binary_kinds[what];
  if (passed_over_.binary <= kMaxWarnings) {
    warn(fmt::format("{}: is {}, passed over", origin.label, what));
  } else if (passed_over_.binary == kMaxWarnings + 1) {
    warn("further files that are not text are counted only");
  }
  return nullptr;
}

void DocumentOpener::warn(const std::string& warning) const {
  if (on_warning_) {
    on_warning_(warning);
  }
}

}  // namespace brt
