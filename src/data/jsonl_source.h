// SPDX-License-Identifier: Apache-2.0
// JSON lines: one object a line, one document an object.
#pragma once

#include <memory>
#include <string>

#include "data/byte_stream.h"
#include "data/document_source.h"

namespace brt {

/// Documents are the string fields `text` of the lines of `stream`; blank lines are passed over.
/// One line is in memory at a time. A document is named by its object's `id`, `name` or `path`,
/// else by `file` and line number. Errors name `file` and the line.
std::unique_ptr<DocumentSource> open_jsonl(std::unique_ptr<ByteStream> stream,
                                           const std::string& file);

}  // namespace brt
