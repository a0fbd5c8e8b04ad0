// SPDX-License-Identifier: Apache-2.0
// Documents from files, folders, JSON lines, archives and standard input, as streams of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/passed_over.h"

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

/// Opens the inputs of `brt prepare` in the order given; folders are read in path order. What a
/// file is, its first bytes say before its name: a text is one document, `.jsonl` and `.ndjson`
/// hold one a line (string field `text`; an object's `id`, `name` or `path` names it), tar, zip and
/// 7z archives are read as folders are; all of them may be compressed by gzip, zstd, xz or bzip2.
/// `-` is standard input.
///
/// Hidden files, devices, and in folders and archives what is recognised as no text are passed
/// over.
/// @param passed_over  counts them; must outlive the source
/// @param on_warning  is told of each file that is no text, up to a limit, and of other doubts
/// @throws DataError for inputs that are missing, unreadable, damaged or, named themselves, no
/// text; for bad JSON (with line number); and at the end, if there was no document at all.
std::unique_ptr<DocumentSource> open_documents(
    const std::vector<std::string>& inputs,
    PassedOver& passed_over,
    const std::function<void(const std::string&)>& on_warning = nullptr);

/// Bytes of all inputs on disk (compressed where they are), or nothing if standard input is one of
/// them.
std::optional<uint64_t> total_input_bytes(const std::vector<std::string>& inputs);

}  // namespace brt
