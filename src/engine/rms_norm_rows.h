// SPDX-License-Identifier: Apache-2.0
// RMSNorm of float32 rows (model.md, "Pieces").
#pragma once

#include <span>

namespace brt {

/// y = x rsqrt(mean(x^2) + 1e-6) g of every row. A row's result depends on the row only.
/// @param x_RD  whole rows, as wide as the gain  @param root_R  scratch: the rows' roots
void rms_norm_rows(std::span<const float> x_RD,
                   std::span<const float> gain_D,
                   float* out_RD,
                   float* root_R);

}  // namespace brt
