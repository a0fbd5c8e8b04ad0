// SPDX-License-Identifier: Apache-2.0
// What a file is, by its first bytes and then by its name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data/stream_decoder.h"

namespace brt {

enum class FileFormat {
  kText,       ///< anything that is not recognised: one document
  kJsonLines,  ///< by its name only
  kTar,
  kZip,
  kEmptyZip,
  kSevenZip,
  kCompressed,  ///< what it holds is to be recognised in turn, by `inner_name`
  kBinary,      ///< no text: images, programs, tables, archives of other kinds
};

struct RecognizedFile {
  FileFormat format = FileFormat::kText;
  Compression compression = Compression::kNone;
  std::string inner_name;  ///< compressed: the name without what says so (.tgz becomes .tar)
  std::string what;        ///< binary: "a PNG image"
};

/// Bytes of a file's beginning that recognize_file() wants to see.
constexpr size_t kRecognizedBytes = 1024;

/// First bytes decide before names; the case of names does not matter.
/// @param head  the first kRecognizedBytes, or all of a shorter file
/// @throws DataError with `file` if the name promises an archive or a compressed file and the bytes
/// are none.
RecognizedFile recognize_file(std::string_view head,
                              std::string_view name,
                              const std::string& file);

/// Whether some component of a path begins with a dot ("." and ".." apart).
bool is_hidden_path(std::string_view path);

}  // namespace brt
