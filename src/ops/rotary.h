// SPDX-License-Identifier: Apache-2.0
// Rotary positions.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace brt {

/// Rotates elements j and j + K/2 of the vector at position p by pi * p / 10000^(2j/K):
/// (x, y) -> (x cos - y sin, x sin + y cos).
///
/// model.md, "Position bias" (options; mind the pi). Scores depend on differences of positions
/// only.
/// @param x_BNHK  K even
/// @param first_position  position of x[:, 0]; may be negative
/// @return the shape and dtype of x. Gradient to x. Angles are computed in float64.
/// @throws ShapeError if K is odd.
at::Tensor rotary(const at::Tensor& x_BNHK, int64_t first_position);

}  // namespace brt
