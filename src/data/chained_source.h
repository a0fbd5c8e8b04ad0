// SPDX-License-Identifier: Apache-2.0
// Documents of several sources, one source opened when the one before is used up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/document_source.h"
#include "data/passed_over.h"

namespace brt {

class ChainedSource : public DocumentSource {
 public:
  /// @param passed_over  counts sources without a document; must outlive the object
  explicit ChainedSource(PassedOver& passed_over) : passed_over_(passed_over) {}

  std::optional<std::string> next_document() override;
  size_t read(char* buffer, size_t size) override;

 protected:
  /// The next source, or null at the end.
  virtual std::unique_ptr<DocumentSource> open_next() = 0;
  /// The source that is read now, if any.
  const DocumentSource* current() const { return current_.get(); }
  PassedOver& passed_over() { return passed_over_; }

 private:
  PassedOver& passed_over_;
  std::unique_ptr<DocumentSource> current_;
  bool gave_none_ = true;           ///< current_ so far
  int64_t passed_over_before_ = 0;  ///< when current_ was opened
};

}  // namespace brt
