// SPDX-License-Identifier: Apache-2.0
// Going from one source to the next.
#include "data/chained_source.h"

namespace brt {

std::optional<std::string> ChainedSource::next_document() {
  while (true) {
    if (current_ == nullptr) {
      current_ = open_next();
      gave_none_ = true;
      passed_over_before_ = passed_over_.total();
    }
    if (current_ == nullptr) {
      return std::nullopt;
    }
    std::optional<std::string> name = current_->next_document();
    if (name) {
      gave_none_ = false;
      return name;
    }
    if (gave_none_ && passed_over_.total() == passed_over_before_) {
      ++passed_over_.empty;  // not if something in it was passed over, and counted
    }
    current_.reset();
  }
}

size_t ChainedSource::read(char* buffer, size_t size) {
  return current_ == nullptr ? 0 : current_->read(buffer, size);
}

}  // namespace brt
