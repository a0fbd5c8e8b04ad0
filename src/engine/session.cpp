// SPDX-License-Identifier: Apache-2.0
// The recent tokens of a document.
#include "engine/session.h"

#include <algorithm>

namespace brt {
namespace {

constexpr size_t kFewestRecentTokens = 64;  // the usual window of the repetition penalty

}  // namespace

void TextProgress::remember(std::span<const int32_t> tokens) {
  const size_t kept = std::max(kFewestRecentTokens, static_cast<size_t>(sampler.repetition_window));
  const std::span<const int32_t> last = tokens.last(std::min(kept, tokens.size()));
  const size_t all = recent_tokens.size() + last.size();
  if (all > kept) {
    recent_tokens.erase(recent_tokens.begin(),
                        recent_tokens.begin() + static_cast<std::ptrdiff_t>(all - kept));
  }
  recent_tokens.insert(recent_tokens.end(), last.begin(), last.end());
}

}  // namespace brt
