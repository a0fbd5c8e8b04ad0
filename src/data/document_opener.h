// SPDX-License-Identifier: Apache-2.0
// From a file, a member of an archive or standard input to its documents, whatever it is.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/archive_source.h"
#include "data/byte_stream.h"
#include "data/document_source.h"
#include "data/input_list.h"
#include "data/passed_over.h"

namespace brt {

/// One rule for all: what is compressed is decompressed, and what that gives is recognised in turn;
/// members of archives are treated as files of a folder are.
class DocumentOpener {
 public:
  /// Both must outlive the object, and the object the sources that it opens.
  DocumentOpener(PassedOver& passed_over, const std::function<void(const std::string&)>& on_warning)
      : passed_over_(passed_over), on_warning_(on_warning) {}

  /// The documents of a file, or null if it is no text and was found in a folder: that is counted,
  /// and a warning says so.
  /// @throws DataError if it is no text and was named, if its name promises another format, or if
  /// it cannot be opened.
  std::unique_ptr<DocumentSource> open(const InputFile& file);

 private:
  struct Origin;

  PassedOver& passed_over_;
  const std::function<void(const std::string&)>& on_warning_;

  std::unique_ptr<DocumentSource> open_stream(std::unique_ptr<ByteStream> stream, Origin origin);
  std::unique_ptr<DocumentSource> open_tar(std::unique_ptr<ByteStream> stream,
                                           const Origin& origin);
  std::unique_ptr<DocumentSource> open_packed(const Origin& origin);
  ArchiveOrigin archive_origin(const Origin& origin);
  std::unique_ptr<DocumentSource> pass_over(const Origin& origin, const std::string& what);
  void warn(const std::string& warning) const;
};

}  // namespace brt
