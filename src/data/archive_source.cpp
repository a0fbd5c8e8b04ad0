// SPDX-License-Identifier: Apache-2.0
// A first pass over the members, then further ones for the members that hard links name.
#include "data/archive_source.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "data/file_format.h"

namespace brt {
namespace {

/// The member at which a reader stands; it lives no longer than that.
class MemberStream : public ByteStream {
 public:
  explicit MemberStream(ArchiveReader& reader) : reader_(reader) {}
  size_t read(char* buffer, size_t size) override { return reader_.read(buffer, size); }
  uint64_t input_bytes_read() const override { return reader_.input_bytes_read(); }

 private:
  ArchiveReader& reader_;
};

}  // namespace

ArchiveSource::ArchiveSource(std::unique_ptr<ArchiveReader> reader,
                             ArchiveOrigin origin,
                             PassedOver& passed_over)
    : ChainedSource(passed_over), origin_(std::move(origin)), reader_(std::move(reader)) {}

uint64_t ArchiveSource::input_bytes_read() const {
  return first_pass_bytes_ ? *first_pass_bytes_ : reader_->input_bytes_read();
}

std::unique_ptr<DocumentSource> ArchiveSource::open_next() {
  while (const std::optional<std::string> name = next_name()) {
    std::unique_ptr<DocumentSource> source =
        origin_.open_member(std::make_unique<MemberStream>(*reader_), *name);
    if (source != nullptr) {
      return source;
    }
  }
  return nullptr;
}

std::optional<std::string> ArchiveSource::next_name() {
  if (!first_pass_bytes_) {
    std::optional<std::string> name = next_name_of_first_pass();
    if (name) {
      return name;
    }
    end_first_pass();
  }
  return next_linked_name();
}

std::optional<std::string> ArchiveSource::next_name_of_first_pass() {
  while (std::optional<ArchiveMember> member = reader_->next_member()) {
    const int64_t index = next_index_++;
    if (is_hidden_path(member->name)) {
      ++passed_over().hidden;
    } else if (member->kind == ArchiveMember::Kind::kFile) {
      return std::move(member->name);
    } else if (member->kind == ArchiveMember::Kind::kHardLink) {
      links_.add(*member, index);
    } else {
      ++passed_over().special;
    }
  }
  return std::nullopt;
}

void ArchiveSource::end_first_pass() {
  first_pass_bytes_ = reader_->input_bytes_read();
  if (reader_->lacks_end_mark()) {
    origin_.warn(fmt::format("{}: the archive has no end mark, it may be cut short", origin_.file));
  }
  if (links_.none_gathered()) {
    return;
  }
  if (origin_.open == nullptr) {
    passed_over().special += links_.gathered();
    origin_.warn(
        fmt::format("{}: {} hard links passed over, the archive cannot be read twice: give it as a "
                    "file of its own",
                    origin_.file, links_.gathered()));
    return;
  }
  for (const std::string& link : links_.resolve(*origin_.open())) {
    ++passed_over().special;
    origin_.warn(fmt::format("{}/{}: hard link to a file that is not in the archive; passed over",
                             origin_.file, link));
  }
  reader_.reset();
}

std::optional<std::string> ArchiveSource::next_linked_name() {
  while (!links_.all_taken()) {
    if (reader_ == nullptr || !links_.any_from(next_index_)) {
      reader_ = origin_.open();
      next_index_ = 0;
    }
    if (!reader_->next_member()) {
      throw DataError(
          fmt::format("{}: the archive was changed while it was being read", origin_.file));
    }
    if (std::optional<std::string> name = links_.take(next_index_++)) {
      return name;
    }
  }
  return std::nullopt;
}

}  // namespace brt
