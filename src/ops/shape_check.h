// SPDX-License-Identifier: Apache-2.0
// Checks of tensor shapes at the entry of an op, with messages that say what was expected.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace brt {

/// @throws ShapeError "OP: NAME must be [sizes], got [...]"; a size of -1 fits anything.
void check_shape(std::string_view op,
                 std::string_view name,
                 const at::Tensor& tensor,
                 std::initializer_list<int64_t> sizes);

}  // namespace brt
