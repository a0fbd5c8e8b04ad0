// SPDX-License-Identifier: Apache-2.0
// Checks of tensors at the entry of an op, with messages that say what was expected.
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

/// @throws ShapeError unless a tensor is dense, on the device of `like`, and of float32, float64,
/// bfloat16 or float16; an undefined one passes.
void check_numbers(std::string_view op,
                   std::string_view name,
                   const at::Tensor& tensor,
                   const at::Tensor& like);

/// The same of yes and no: bool or whole numbers.
void check_flags(std::string_view op,
                 std::string_view name,
                 const at::Tensor& tensor,
                 const at::Tensor& like);

}  // namespace brt
