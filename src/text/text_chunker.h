// SPDX-License-Identifier: Apache-2.0
// Cuts a document that arrives in parts of any size into pieces to tokenize, always at the same
// offsets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace brt {

/// Feed parts with append(), take pieces with next(), and after the last part call finish() and
/// take the rest. The borders depend on the document's bytes only, not on the parts: a piece ends
/// before a space that follows a non-space, at the first such offset after kPieceBytes, or at the
/// latest at kLongestPieceBytes, then between two UTF-8 characters.
class TextChunker {
 public:
  static constexpr size_t kPieceBytes = size_t{1} << 16;
  static constexpr size_t kLongestPieceBytes = size_t{1} << 18;

  void append(std::string_view part);
  void finish();
  /// The next piece, or nothing until more is appended. Never an empty piece.
  std::optional<std::string> next();
  /// What next() has not given out; the chunker is as new afterwards. Given again, followed by what
  /// comes next in the document, it is cut at the same offsets.
  std::string take_rest();

 private:
  std::string pending_;
  size_t taken_ = 0;     ///< bytes at the front of pending_ that next() has given out
  size_t searched_ = 0;  ///< bytes after them known to hold no border
  bool finished_ = false;
};

}  // namespace brt
