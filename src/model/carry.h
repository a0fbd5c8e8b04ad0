// SPDX-License-Identifier: Apache-2.0
// What one segment passes to the next: caches, states and positions, as a value.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "config/model_config.h"

namespace brt {

/// The recurrent states as attention reads them; derived from the state, never saved.
struct StateQkv {
  at::Tensor keys_BSHK;  ///< unit length
  at::Tensor values_BSHK;
  at::Tensor query_BSHK;        ///< states over states, unit length
  at::Tensor cross_query_BSHK;  ///< states over tokens, unit length

  bool defined() const { return keys_BSHK.defined(); }
};

/// One layer's part of the carry.
struct LayerCarry {
  /// Keys of the previous block and of what was read of the current block, oldest first:
  /// [B, W + r, H, K] with r < W tokens read of the block (0 between blocks). Unit length, not
  /// rotated.
  at::Tensor keys_BMHK;
  at::Tensor values_BMHK;  ///< as keys_BMHK
  at::Tensor state_BSD;    ///< float32 state at the start of the block; undefined without a cell
  StateQkv qkv;            ///< of state_BSD while a block is read in pieces; may be undefined
};

/// What goes from segment to segment. A value: forward takes one and returns the next.
struct Carry {
  std::vector<LayerCarry> layers;
  at::Tensor position_B;  ///< int64 [B]: tokens of the document read so far

  /// Tokens read of the current block, 0..W-1, the same for all lanes.
  int64_t tokens_in_block(const ModelConfig& config) const;

  /// All tensors by name: "keys.{i}", "values.{i}", "state.{i}", "position".
  std::map<std::string, at::Tensor> tensors() const;
};

/// A carry of zeros for `lanes` lanes: the first forward must say that all lanes start.
/// @param dtype  dtype of keys and values (the compute dtype); the state is float32 (float64 if
/// that).
Carry make_carry(const ModelConfig& config,
                 int64_t lanes,
                 at::ScalarType dtype = at::kFloat,
                 at::Device device = at::kCPU);

/// A carry from tensors() of another. @throws CheckpointError naming what is missing or misshapen.
Carry carry_from_tensors(const ModelConfig& config,
                         const std::map<std::string, at::Tensor>& tensors);

/// The same values, cut from the graph.
Carry detach(const Carry& carry);
/// A deep copy.
Carry clone(const Carry& carry);
/// Lanes [begin, end) of a carry (views).
Carry slice_lanes(const Carry& carry, int64_t begin, int64_t end);
/// Carries of groups of lanes joined into one, in order.
Carry join_lanes(const std::vector<Carry>& parts);
/// The same caches and positions with every state zero (evaluation "none").
Carry with_zero_state(const Carry& carry);

}  // namespace brt
