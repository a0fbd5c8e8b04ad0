// SPDX-License-Identifier: Apache-2.0
// How far int8 weights may move a model's numbers: a model of the error, from the weights' scales
// and the number of products one after the other.
#pragma once

#include <cstdint>
#include <span>

#include "config/model_config.h"
#include "safetensors/mapped_safetensors.h"

namespace brt {

/// Products that a number may have passed through, one after the other, in a document of so many
/// blocks.
int64_t products_in_sequence(const ModelConfig& config, int64_t blocks);

/// Root mean square error of the results, relative to theirs, that rounding leads to.
double int8_error(const ModelConfig& config, MappedSafetensors& weights, int64_t blocks);

/// The largest absolute error that a correct engine shows in numbers like `want`, with room.
double int8_limit(double error, std::span<const float> want);

}  // namespace brt
