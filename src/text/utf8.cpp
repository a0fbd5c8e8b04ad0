// SPDX-License-Identifier: Apache-2.0
// Holds back what base/utf8.h finds unfinished.
#include "text/utf8.h"

#include <utility>

namespace brt {

std::string Utf8Stream::push(std::string_view bytes) {
  std::string whole = std::move(held_);
  whole += bytes;
  const size_t tail = unfinished_utf8_tail(whole);
  held_ = whole.substr(whole.size() - tail);
  whole.resize(whole.size() - tail);
  return whole;
}

std::string Utf8Stream::finish() {
  std::string rest = std::move(held_);
  held_.clear();
  return rest;
}

}  // namespace brt
