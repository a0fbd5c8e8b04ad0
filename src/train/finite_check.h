// SPDX-License-Identifier: Apache-2.0
// Numbers that are not finite: in which tensor, in which lanes of a carry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "model/carry.h"

namespace brt {

/// The name of the first tensor that holds a number that is not finite; empty if none does.
std::string first_not_finite(const std::map<std::string, at::Tensor>& tensors);

/// Whether every recurrent state is finite. One sum a state: cheap enough for every step.
bool has_finite_states(const Carry& carry);

/// Lanes whose caches or states hold a number that is not finite, in order.
std::vector<int64_t> broken_lanes(const Carry& carry);

/// Zeroes caches, states and positions of some lanes in place; a document must start in them next.
void clear_lanes(Carry& carry, const std::vector<int64_t>& lanes);

}  // namespace brt
