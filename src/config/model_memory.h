// SPDX-License-Identifier: Apache-2.0
// The memory that a model's sizes ask for beside its weights.
#pragma once

#include "config/model_config.h"

namespace brt {

/// Bytes that the engine takes for one document, to within a factor of 2: keys and values of two
/// blocks in every layer, the position bias, the states, and one thread's attention logits. They do
/// not depend on the document's length.
double document_bytes(const ModelConfig& config);

/// Bytes that one lane takes when it is read a segment at a time, as by evaluation: cache and
/// states of every layer, and one layer's activations of a segment.
double segment_bytes(const ModelConfig& config);

}  // namespace brt
