// SPDX-License-Identifier: Apache-2.0
// One document in the middle of being read: all that its continuation depends on, as a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/aligned_buffer.h"

namespace brt {

struct StreamLayout;

/// A document of more tokens is refused where it is restored; reading so many takes longer than any
/// machine lasts.
inline constexpr int64_t kMostTokensRead = int64_t{1} << 62;

/// A document's caches, states, position and last logits. Copying it forks the document: the copies
/// go on independently. Its size does not depend on the number of tokens read.
class StreamState {
 public:
  /// Belongs to no model; an Engine's begin() makes one that can be fed.
  StreamState() = default;

  int64_t tokens_read() const { return tokens_read_; }
  /// "F32" or "BF16": the numbers of the parts "keys.*" and "values.*"; all others are float32.
  std::string_view cache_dtype() const;
  /// [V], of the next token; empty before the first token.
  std::span<const float> logits() const;

  /// Keys of layer `layer` that are in the cache, oldest first, [W + r, H, K] with r tokens read of
  /// the current block: unit length, not rotated.
  std::vector<float> keys(int64_t layer) const;
  std::vector<float> values(int64_t layer) const;  ///< as keys
  /// [S, D] of a recurrent layer at the start of the current block; empty for other layers.
  std::span<const float> state(int64_t layer) const;

  /// Every buffer that the continuation depends on, in a fixed order, with a name: "keys.3",
  /// "values.3" of every layer, "state.9" of the recurrent ones, "logits". What can be derived from
  /// them is not among them. With tokens_read() they are the whole of the stream.
  void for_each_part(const std::function<void(const std::string&, std::span<std::byte>)>& visit);
  void for_each_part(
      const std::function<void(const std::string&, std::span<const std::byte>)>& visit) const;

  /// For files of states: to be followed by Engine::restored().
  void set_tokens_read(int64_t tokens) { tokens_read_ = tokens; }

 private:
  friend class Engine;
  friend class StateAccess;

  std::shared_ptr<const StreamLayout> layout_;
  AlignedBuffer memory_;
  int64_t tokens_read_ = 0;
  /// Units of work done of each recurrent layer's update (state_update.h); what they made lies in
  /// memory_ and is derived.
  std::vector<int64_t> units_done_;
};

}  // namespace brt
