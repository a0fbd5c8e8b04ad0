// SPDX-License-Identifier: Apache-2.0
// Finds the borders of pieces in what has arrived of a document.
#include "text/text_chunker.h"

#include <algorithm>

#include "base/error.h"
#include "text/utf8.h"

namespace brt {
namespace {

/// The last offset at or before `position` that is between two characters; `position` itself where
/// the bytes around it are not UTF-8.
size_t between_characters(std::string_view text, size_t position) {
  for (size_t back = 1; back <= 3; ++back) {
    const std::string_view around = text.substr(position - back, back + 3);
    const size_t lead = static_cast<unsigned char>(around[0]);
    if ((lead & 0xC0) == 0x80) {
      continue;
    }
    // A character that opens before `position` and is unfinished there must not be cut.
    Utf8Stream stream;
    return stream.push(around.substr(0, back)).empty() ? position - back : position;
  }
  return position;
}

}  // namespace

void TextChunker::append(std::string_view part) {
  if (finished_) {
    throw Error("TextChunker: append() after finish()");
  }
  // What was taken is dropped when it is the larger half, so that every byte moves at most once or
  // so.
  if (taken_ > pending_.size() / 2) {
    pending_.erase(0, taken_);
    taken_ = 0;
  }
  pending_ += part;
}

void TextChunker::finish() { finished_ = true; }

std::optional<std::string> TextChunker::next() {
  const std::string_view waiting = std::string_view(pending_).substr(taken_);
  // A border at `p` shows itself in the bytes p - 1 and p, so it never depends on what comes later.
  const size_t limit = std::min(waiting.size(), kLongestPieceBytes + 1);
  size_t border = std::max(searched_, kPieceBytes);
  while (border < limit && !(waiting[border] == ' ' && waiting[border - 1] != ' ')) {
    ++border;
  }
  if (border >= limit) {
    if (waiting.size() > kLongestPieceBytes) {
      border = between_characters(waiting, kLongestPieceBytes);
    } else if (finished_ && !waiting.empty()) {
      border = waiting.size();
    } else {
      searched_ = limit;
      return std::nullopt;
    }
  }
  std::string piece(waiting.substr(0, border));
  taken_ += border;
  searched_ = 0;
  return piece;
}

std::string TextChunker::take_rest() {
  std::string rest = pending_.substr(taken_);
  *this = TextChunker();
  return rest;
}

}  // namespace brt
