// SPDX-License-Identifier: Apache-2.0
// Any bytes are a text: however it arrives, it is cut at the same offsets, its tokens give it back,
// and a stop string is found where it stands. The first bytes say how the text arrives.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_tokenizer.h"
#include "generate/stop_strings.h"
#include "text/text_chunker.h"
#include "text/tokenizer.h"

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// Pieces of the text, repeated until it is cut, that comes in parts of this size.
std::vector<std::string> pieces_of(std::string_view text, size_t times, size_t part) {
  brt::TextChunker chunker;
  std::vector<std::string> pieces;
  const auto take = [&] {
    while (std::optional<std::string> piece = chunker.next()) {
      require(!piece->empty() && piece->size() <= brt::TextChunker::kLongestPieceBytes);
      pieces.push_back(std::move(*piece));
    }
  };
  for (size_t i = 0; i < times; ++i) {
    for (size_t from = 0; from < text.size(); from += part) {
      chunker.append(text.substr(from, part));
      take();
    }
  }
  chunker.finish();
  take();
  return pieces;
}

std::string before_stop(std::string_view text, size_t part, const std::string& stop) {
  brt::StopStrings stops({stop});
  std::string out;
  for (size_t from = 0; from < text.size() && !stops.found(); from += part) {
    out += stops.push(text.substr(from, part));
  }
  return stops.found() ? out : out + stops.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPlan = 3;
  if (size <= kPlan) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + kPlan, size - kPlan);
  const size_t part = size_t{data[0]} + 1;
  const size_t times = size_t{data[1]} * data[1] / 64 + 1;

  const std::vector<std::string> pieces = pieces_of(text, times, part);
  require(pieces == pieces_of(text, times, text.size()));
  std::string joined;
  for (const std::string& piece : pieces) {
    joined += piece;
  }
  require(joined.size() == times * text.size() && joined.starts_with(text));

  const std::string whole(text);
  const std::vector<int32_t> tokens = brt::fuzz_tokenizer().encode_document(whole);
  require(brt::fuzz_tokenizer().decode(tokens) == whole);

  const std::string stop = whole.substr(data[2] % whole.size(), 3);
  const std::string expected = whole.substr(0, whole.find(stop));
  require(before_stop(text, part, stop) == expected);
  return 0;
}
