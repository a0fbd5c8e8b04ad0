// SPDX-License-Identifier: Apache-2.0
// Activations as the left operand of a product with weights.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/weight_format.h"
#include "kernels/bfloat16.h"
#include "kernels/panel_attention.h"

namespace brt {

/// Rows [rows, depth] in the numbers that a weight format is multiplied with.
struct Operand {
  int64_t stride = 0;                          ///< elements from row to row
  const float* floats = nullptr;               ///< kFloat32
  const kernels::Bfloat16* rounded = nullptr;  ///< kBfloat16
  const uint8_t* high = nullptr;               ///< kInt8: kernels/int8_rows.h
  const uint8_t* low = nullptr;
  const float* scale = nullptr;

  /// The rows from `row` on.
  Operand from_row(int64_t row) const;
};

/// How rows lie in memory as operands, and how they come there. A row's operand depends on the row
/// only.
class OperandFormat {
 public:
  OperandFormat(WeightFormat format, int64_t rows, int64_t depth);

  /// What the constructor's sizes need, in bytes, a multiple of 64.
  int64_t bytes() const;

  /// Makes rows [first, first + x.count) of the operand, in memory of bytes(), from x [x.count,
  /// depth]; depth at most the constructor's.
  void make(kernels::Rows<const float> x, int64_t depth, int64_t first, std::byte* memory) const;
  /// The operand that make() made of rows of this depth.
  Operand view(int64_t depth, const std::byte* memory) const;

 private:
  WeightFormat format_;
  int64_t rows_;
  int64_t depth_;

  int64_t stride(int64_t depth) const;
};

}  // namespace brt
