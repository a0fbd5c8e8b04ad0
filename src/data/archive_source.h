// SPDX-License-Identifier: Apache-2.0
// The members of an archive as documents.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/archive_reader.h"
#include "data/chained_source.h"
#include "data/hard_links.h"

namespace brt {

struct ArchiveOrigin {
  std::string file;  ///< name of the archive for messages
  /// The archive from its beginning, as often as it is called; null if it can be read once only.
  std::function<std::unique_ptr<ArchiveReader>()> open;
  /// Documents of a member, or null if it is passed over.
  std::function<std::unique_ptr<DocumentSource>(std::unique_ptr<ByteStream>, const std::string&)>
      open_member;
  std::function<void(const std::string&)> warn;
};

/// Members in the archive's order; hidden ones are passed over as in a folder. Hard links follow
/// when the archive has been read once: each is a document with what the member that it names
/// holds.
class ArchiveSource : public ChainedSource {
 public:
  ArchiveSource(std::unique_ptr<ArchiveReader> reader,
                ArchiveOrigin origin,
                PassedOver& passed_over);

  uint64_t input_bytes_read() const override;

 protected:
  std::unique_ptr<DocumentSource> open_next() override;

 private:
  ArchiveOrigin origin_;
  std::unique_ptr<ArchiveReader> reader_;
  int64_t next_index_ = 0;  ///< of the next member
  HardLinks links_;
  std::optional<uint64_t> first_pass_bytes_;  ///< set when the archive has been read once

  std::optional<std::string> next_name();
  std::optional<std::string> next_name_of_first_pass();
  void end_first_pass();
  std::optional<std::string> next_linked_name();
};

}  // namespace brt
