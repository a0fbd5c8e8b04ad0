// SPDX-License-Identifier: Apache-2.0
// Rounding of activations for products.
#include "engine/operand.h"

#include <algorithm>

#include "engine/alignment.h"
#include "kernels/int8_panels.h"
#include "kernels/int8_rows.h"
#include "kernels/rounding.h"

namespace brt {

using kernels::Bfloat16;

Operand Operand::from_row(int64_t row) const {
  Operand rest = *this;
  const int64_t skipped = row * stride;
  rest.floats = floats == nullptr ? nullptr : floats + skipped;
  rest.rounded = rounded == nullptr ? nullptr : rounded + skipped;
  if (high != nullptr) {
    rest.high += skipped;
    rest.low += skipped;
    rest.scale += row;
  }
  return rest;
}

OperandFormat::OperandFormat(WeightFormat format, int64_t rows, int64_t depth)
    : format_(format), rows_(rows), depth_(depth) {}

int64_t OperandFormat::stride(int64_t depth) const {
  switch (format_) {
    case WeightFormat::kFloat32:
      return depth;
    case WeightFormat::kBfloat16:
      return round_up(depth, 2);
    case WeightFormat::kInt8:
      return round_up(kernels::int8_padded_depth(depth), kAlignment);
  }
  return depth;
}

int64_t OperandFormat::bytes() const {
  switch (format_) {
    case WeightFormat::kFloat32:
      return aligned_bytes<float>(rows_ * depth_);
    case WeightFormat::kBfloat16:
      return aligned_bytes<Bfloat16>(rows_ * stride(depth_));
    case WeightFormat::kInt8:
      return 2 * rows_ * stride(depth_) + aligned_bytes<float>(rows_);
  }
  return 0;
}

void OperandFormat::make(kernels::Rows<const float> x,
                         int64_t depth,
                         int64_t first,
                         std::byte* memory) const {
  const int64_t row_stride = stride(depth);
  switch (format_) {
    case WeightFormat::kFloat32: {
      float* out = reinterpret_cast<float*>(memory) + first * row_stride;
      for (int64_t row = 0; row < x.count; ++row) {
        const float* source = x.data + row * x.stride;
        std::copy(source, source + depth, out + row * row_stride);
      }
      return;
    }
    case WeightFormat::kBfloat16: {
      Bfloat16* out = reinterpret_cast<Bfloat16*>(memory) + first * row_stride;
      for (int64_t row = 0; row < x.count; ++row) {
        kernels::round_row(x.data + row * x.stride, out + row * row_stride, depth);
      }
      return;
    }
    case WeightFormat::kInt8: {
      const Operand operand = view(depth, memory).from_row(first);
      kernels::QuantizeRowsArgs args;
      args.x = x.data;
      args.x_stride = x.stride;
      args.high = const_cast<uint8_t*>(operand.high);
      args.low = const_cast<uint8_t*>(operand.low);
      args.stride = row_stride;
      args.scale = const_cast<float*>(operand.scale);
      args.depth = depth;
      kernels::quantize_rows(args, 0, x.count);
      return;
    }
  }
}

Operand OperandFormat::view(int64_t depth, const std::byte* memory) const {
  Operand operand;
  operand.stride = stride(depth);
  switch (format_) {
    case WeightFormat::kFloat32:
      operand.floats = reinterpret_cast<const float*>(memory);
      break;
    case WeightFormat::kBfloat16:
      operand.rounded = reinterpret_cast<const Bfloat16*>(memory);
      break;
    case WeightFormat::kInt8:
      operand.scale = reinterpret_cast<const float*>(memory);
      operand.high = reinterpret_cast<const uint8_t*>(memory + aligned_bytes<float>(rows_));
      operand.low = operand.high + rows_ * operand.stride;
      break;
  }
  return operand;
}

}  // namespace brt
