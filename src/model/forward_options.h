// SPDX-License-Identifier: Apache-2.0
// How a forward pass is to be computed; what it computes is the model's config.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace brt {

class WeightUses;

/// Collects gate values during a forward pass, for monitoring.
struct GateLog {
  struct Entry {
    std::string name;   ///< e.g. "layers.3.cell.gate.keep": the factor of the old state
    at::Tensor values;  ///< detached, float32: [D] (fixed) or [B, S, D] (lstm)
  };
  std::vector<Entry> entries;
};

struct ForwardOptions {
  at::ScalarType dtype = at::kFloat;  ///< of matrix products: kFloat, kBFloat16; kDouble for checks
  double dropout = 0.0;               ///< rate; 0 outside training
  uint64_t dropout_seed = 0;    ///< masks are a function of this and of their position in the model
  bool recompute = false;       ///< recompute each layer in backward instead of saving its inside
  GateLog* gate_log = nullptr;  ///< where gate values are collected, if anywhere
  /// What the uses of weights share (ops/shared_weights.h). LanguageModelImpl::forward makes one
  /// for its pass; without, each use gives the weight a gradient of its own.
  std::shared_ptr<WeightUses> weight_uses = nullptr;
};

}  // namespace brt
