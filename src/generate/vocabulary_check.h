// SPDX-License-Identifier: Apache-2.0
// Whether a model has all tokens of the tokenizer beside it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "text/tokenizer.h"

namespace brt {

/// @throws CheckpointError if the tokenizer of `folder` has tokens that the model lacks.
void check_vocabulary(const std::filesystem::path& folder,
                      const Tokenizer& tokenizer,
                      int64_t vocab_size);

}  // namespace brt
