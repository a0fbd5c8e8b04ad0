// SPDX-License-Identifier: Apache-2.0
// The tokens of a document, each with the logits that predict it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "engine/engine.h"

namespace brt {

/// Reads tokens into a stream and calls visit(token, logits_V) for each, in order, with the logits
/// that the tokens before it give; for a document's first token they are empty.
void read_predicted(Engine& engine,
                    StreamState& state,
                    std::span<const int32_t> tokens,
                    const std::function<void(int32_t, std::span<const float>)>& visit);

/// -log of the probability that softmax(logits_V) gives to a token, in nats, float64.
double token_nats(std::span<const float> logits_V, int32_t token);

}  // namespace brt
