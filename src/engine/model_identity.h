// SPDX-License-Identifier: Apache-2.0
// What the numbers of a stream depend on besides its tokens, as files name it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "text/tokenizer.h"

namespace brt {

struct ModelIdentity {
  uint64_t model_fingerprint = 0;      ///< of config and weights
  uint64_t tokenizer_fingerprint = 0;  ///< of kind and model
  std::string weights;                 ///< the format that the engine reads: fp32, bf16, int8
  std::string kernel_target;           ///< as in BRT_CPU_TARGET, or portable

  bool operator==(const ModelIdentity&) const = default;
};

/// The identity of a model as it runs in this process.
ModelIdentity identify(const Engine& engine, const Tokenizer& tokenizer);

/// @throws CheckpointError naming both if model, tokenizer or weight format differ, with a cure.
/// @param origin  the file that `saved` stands in
void require_same_model(const std::string& origin,
                        const ModelIdentity& saved,
                        const ModelIdentity& running);

}  // namespace brt
