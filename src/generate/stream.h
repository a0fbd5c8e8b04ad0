// SPDX-License-Identifier: Apache-2.0
// One document read token by token or in chunks of any size, in fixed memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/language_model.h"

namespace brt {

/// Reads one document without end. After feeding t tokens, logits() predicts token t+1.
class Stream {
 public:
  Stream(LanguageModel model, const ForwardOptions& options);

  /// Feeds tokens; returns the hidden vectors' logits of each, float32 [tokens, V]. Long inputs are
  /// cut at whole segments, so that memory stays bounded (the logits apart).
  at::Tensor feed(std::span<const int32_t> tokens);

  /// Feeds tokens; calls visit(logits_MV) for pieces of them in order, so that the logits of a long
  /// input never exist all at once. An empty `visit` computes the last token's logits only. If
  /// `visit` throws, the stream stands at the end of the last piece that was visited to its end.
  void feed(std::span<const int32_t> tokens, const std::function<void(const at::Tensor&)>& visit);

  /// Logits [V] for the next token, float32; undefined before the first token.
  const at::Tensor& logits() const { return logits_V_; }
  int64_t tokens_read() const { return tokens_read_; }
  const Carry& carry() const { return carry_; }

  /// Continues from what another stream left. @throws CheckpointError if it does not fit the model.
  void restore(Carry carry, at::Tensor logits_V, int64_t tokens_read);

 private:
  LanguageModel model_;
  ForwardOptions options_;
  Carry carry_;
  at::Tensor logits_V_;
  int64_t tokens_read_ = 0;
};

}  // namespace brt
