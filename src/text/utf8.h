// SPDX-License-Identifier: Apache-2.0
// UTF-8 that comes in pieces; base/utf8.h has the functions for whole runs of bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace brt {

/// Holds back the bytes of an unfinished character, so that text can be printed as it comes.
class Utf8Stream {
 public:
  /// Adds bytes; returns what can be printed now. Bytes that can never become valid UTF-8 pass
  /// through unchanged.
  std::string push(std::string_view bytes);
  /// What is still held back, at the end of the text.
  std::string finish();

 private:
  std::string held_;
};

}  // namespace brt
