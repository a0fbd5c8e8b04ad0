// SPDX-License-Identifier: Apache-2.0
// Documents from files, folders, JSON lines, archives and standard input, as streams of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace brt {

/// Gives documents one after another; memory does not grow with their size.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  /// Goes to the next document and returns its name, or nothing at the end. What was not read of
  /// the document before is skipped.
  virtual std::optional<std::string> next_document() = 0;
  /// Reads up to `size` bytes of the current document; 0 at its end.
  virtual size_t read(char* buffer, size_t size) = 0;
  /// Bytes of input consumed so far (compressed bytes where the input is compressed), for progress.
  virtual uint64_t input_bytes_read() const = 0;
};

/// Opens the inputs of `brt prepare` in the order given; folders are read in path order, each
/// regular file one document (hidden files are passed over), `.jsonl[.gz|.zst]` a document a line
/// (string field `text`; an object's `id`, `name` or `path` names it), `.tar[.zst|.gz]` a document
/// a member, `-` standard input as one document.
/// @throws DataError for missing, unreadable or empty inputs, bad JSON (with line number), damaged
/// archives.
std::unique_ptr<DocumentSource> open_documents(const std::vector<std::string>& inputs);

/// Bytes of all inputs on disk (compressed where they are), or nothing if standard input is one of
/// them.
std::optional<uint64_t> total_input_bytes(const std::vector<std::string>& inputs);

}  // namespace brt
