// SPDX-License-Identifier: Apache-2.0
// Dropout whose masks are functions of a seed.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace brt {

/// Zero with probability `rate`, else 1 / (1 - rate). The mask is a function of seed, rate and
/// shape; it is drawn on the CPU whatever the device.
at::Tensor dropout_mask(at::IntArrayRef sizes,
                        double rate,
                        uint64_t seed,
                        const at::TensorOptions& options);

/// x times a mask of its shape; x itself at rate 0. Gradient to x.
at::Tensor dropout(const at::Tensor& x, double rate, uint64_t seed);

}  // namespace brt
