// SPDX-License-Identifier: Apache-2.0
// Plain files and archives as document sources, and all inputs joined into one.
#include "data/document_source.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/archive_reader.h"
#include "data/byte_stream.h"
#include "data/input_list.h"
#include "data/jsonl_source.h"

namespace brt {
namespace {

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

/// The regular files of a tar archive.
class TarSource : public DocumentSource {
 public:
  explicit TarSource(const std::filesystem::path& path)
      : path_(path), reader_(path, ArchiveReader::Format::kTar) {}

  std::optional<std::string> next_document() override {
    std::optional<std::string> name = reader_.next_member();
    if (!name && is_empty_) {
      throw DataError(fmt::format("{}: the archive holds no files", path_.string()));
    }
    is_empty_ = false;
    return name;
  }
  size_t read(char* buffer, size_t size) override { return reader_.read(buffer, size); }
  uint64_t input_bytes_read() const override { return reader_.input_bytes_read(); }

 private:
  std::filesystem::path path_;
  ArchiveReader reader_;
  bool is_empty_ = true;
};

std::unique_ptr<DocumentSource> open_file(const InputFile& file) {
  switch (file.kind) {
    case InputKind::kPlain:
      return std::make_unique<FileSource>(open_plain_stream(file.path), file.name);
    case InputKind::kJsonl:
      return open_jsonl(open_plain_stream(file.path), file.path.string());
    case InputKind::kCompressedJsonl:
      return open_jsonl(open_compressed_stream(file.path), file.path.string());
    case InputKind::kTar:
      return std::make_unique<TarSource>(file.path);
  }
  throw DataError(fmt::format("{}: input of unknown kind", file.path.string()));
}

/// All inputs, each opened when the one before is used up.
class JoinedSource : public DocumentSource {
 public:
  explicit JoinedSource(std::vector<InputFile> files) : files_(std::move(files)) {}

  std::optional<std::string> next_document() override {
    while (current_ != nullptr || next_file_ < files_.size()) {
      if (current_ == nullptr) {
        current_ = open_file(files_[next_file_++]);
      }
      std::optional<std::string> name = current_->next_document();
      if (name) {
        return name;
      }
      bytes_before_ += current_->input_bytes_read();
      current_.reset();
    }
    return std::nullopt;
  }
  size_t read(char* buffer, size_t size) override {
    return current_ == nullptr ? 0 : current_->read(buffer, size);
  }
  uint64_t input_bytes_read() const override {
    return bytes_before_ + (current_ == nullptr ? 0 : current_->input_bytes_read());
  }

 private:
  std::vector<InputFile> files_;
  size_t next_file_ = 0;
  std::unique_ptr<DocumentSource> current_;
  uint64_t bytes_before_ = 0;
};

}  // namespace

std::unique_ptr<DocumentSource> open_documents(const std::vector<std::string>& inputs) {
  return std::make_unique<JoinedSource>(list_inputs(inputs));
}

std::optional<uint64_t> total_input_bytes(const std::vector<std::string>& inputs) {
  uint64_t total = 0;
  for (const InputFile& file : list_inputs(inputs)) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file.path, error)) {
      return std::nullopt;  // standard input, pipes and the like
    }
    const uintmax_t size = std::filesystem::file_size(file.path, error);
    if (error) {
      throw DataError(
          fmt::format("{}: cannot be examined: {}", file.path.string(), error.message()));
    }
    total += size;
  }
  return total;
}

}  // namespace brt
