// SPDX-License-Identifier: Apache-2.0
// Whether a model's config asks for memory in proportion to the weights beside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "config/model_config.h"

namespace brt {

/// How a model is read: a document's tokens one by one, or segments of several documents.
enum class ReadingForm { kStream, kSegments };

/// Numbers in a tensor of this shape.
int64_t elements_of(const std::vector<int64_t>& shape);

/// A config may name sizes that no machine holds, by mistake or on purpose; the file of weights
/// shows that before memory is asked for. To be called before anything is made after the config.
/// @param weights_held  numbers in all tensors of the file
/// @throws CheckpointError naming the sizes and what stands against them
void check_model_size(const ModelConfig& config,
                      const std::filesystem::path& weights_file,
                      int64_t weights_held,
                      ReadingForm form);

}  // namespace brt
