// SPDX-License-Identifier: Apache-2.0
// Packing of weights, and products with ranges of their panels.
#include "engine/weight_matrix.h"

#include <algorithm>

#include "engine/alignment.h"
#include "kernels/int8_matmul.h"
#include "kernels/int8_panels.h"
#include "kernels/panels.h"

namespace brt {
namespace {

using kernels::Bfloat16;
using kernels::kPanelColumns;
using kernels::MatmulOutput;

/// Columns [64 panel, 64 (panel + 1)) of the source.
template <class T>
void pack_panel(const WeightMatrix::Source& source, int64_t depth, int64_t panel, T* out) {
  const int64_t skipped = panel * kPanelColumns;
  kernels::PackArgs<float, T> args;
  args.source = source.weight + skipped * source.stride;
  args.source_stride = source.stride;
  args.panels = out;
  args.depth = depth;
  args.columns = std::min(kPanelColumns, source.columns - skipped);
  kernels::pack_columns(args, 0, 1);
}

template <class T>
void multiply_panels(const T* left,
                     int64_t left_stride,
                     const T* panels,
                     float* out,
                     int64_t out_stride,
                     int64_t rows,
                     int64_t columns,
                     int64_t depth,
                     MatmulOutput output,
                     const std::byte* next) {
  kernels::MatmulArgs<T> args;
  args.left = left;
  args.left_stride = left_stride;
  args.panels = panels;
  args.out = out;
  args.out_stride = out_stride;
  args.rows = rows;
  args.columns = columns;
  args.depth = depth;
  args.output = output;
  args.next_panels = next;
  kernels::matmul(args);
}

}  // namespace

WeightMatrix::WeightMatrix(WeightFormat format, int64_t depth, const std::vector<Source>& sources)
    : format_(format), depth_(depth) {
  for (const Source& source : sources) {
    first_panel_.push_back(num_panels());
    columns_ = kPanelColumns * num_panels() + source.columns;
    for (int64_t panel = 0; panel < kernels::num_panels(source.columns); ++panel) {
      panels_.push_back({source, panel});
    }
  }
}

int64_t WeightMatrix::panel_bytes() const {
  switch (format_) {
    case WeightFormat::kFloat32:
      return aligned_bytes<float>(kernels::panel_size(depth_, static_cast<const float*>(nullptr)));
    case WeightFormat::kBfloat16:
      return aligned_bytes<Bfloat16>(
          kernels::panel_size(depth_, static_cast<const Bfloat16*>(nullptr)));
    case WeightFormat::kInt8:
      return kernels::int8_panel_size(depth_);
  }
  return 0;
}

int64_t WeightMatrix::bytes() const {
  const int64_t columns = num_panels() * kPanelColumns;
  const int64_t scales = aligned_bytes<float>(columns) + aligned_bytes<int32_t>(columns);
  return round_up(num_panels() * panel_bytes(), kAlignment) +
         (format_ == WeightFormat::kInt8 ? scales : 0);
}

float* WeightMatrix::column_scale() const {
  return reinterpret_cast<float*>(mutable_panel(num_panels()));
}

int32_t* WeightMatrix::column_sum() const {
  return reinterpret_cast<int32_t*>(column_scale() + num_panels() * kPanelColumns);
}

void WeightMatrix::pack(int64_t begin, int64_t end) {
  for (int64_t index = begin; index < end; ++index) {
    const Panel& part = panels_[static_cast<size_t>(index)];
    switch (format_) {
      case WeightFormat::kFloat32:
        pack_panel(part.source, depth_, part.first, reinterpret_cast<float*>(mutable_panel(index)));
        break;
      case WeightFormat::kBfloat16:
        pack_panel(part.source, depth_, part.first,
                   reinterpret_cast<Bfloat16*>(mutable_panel(index)));
        break;
      case WeightFormat::kInt8: {
        const int64_t skipped = part.first * kPanelColumns;
        kernels::PackInt8Args args;
        args.source = part.source.weight + skipped * part.source.stride;
        args.source_stride = part.source.stride;
        args.panels = reinterpret_cast<int8_t*>(mutable_panel(index));
        args.scale = column_scale() + index * kPanelColumns;
        args.sum = column_sum() + index * kPanelColumns;
        args.depth = depth_;
        args.columns = std::min(kPanelColumns, part.source.columns - skipped);
        kernels::pack_int8(args, 0, 1);
        break;
      }
    }
  }
}

void WeightMatrix::multiply(const Operand& rows_RD,
                            int64_t rows,
                            Range panels,
                            float* out,
                            int64_t out_stride,
                            MatmulOutput output,
                            const std::byte* next) const {
  if (panels.begin >= panels.end || rows == 0) {
    return;
  }
  const int64_t first_column = panels.begin * kPanelColumns;
  const int64_t columns = std::min(panels.end * kPanelColumns, columns_) - first_column;
  const std::byte* weights = panel(panels.begin);
  float* first_out = out + first_column;
  switch (format_) {
    case WeightFormat::kFloat32:
      multiply_panels(rows_RD.floats, rows_RD.stride, reinterpret_cast<const float*>(weights),
                      first_out, out_stride, rows, columns, depth_, output, next);
      return;
    case WeightFormat::kBfloat16: {
      // Outputs of our products are float32, whatever the operands.
      multiply_panels(rows_RD.rounded, rows_RD.stride, reinterpret_cast<const Bfloat16*>(weights),
                      first_out, out_stride, rows, columns, depth_, output, next);
      return;
    }
    case WeightFormat::kInt8: {
      kernels::MatmulInt8Args args;
      args.high = rows_RD.high;
      args.low = rows_RD.low;
      args.left_stride = rows_RD.stride;
      args.row_scale = rows_RD.scale;
      args.panels = reinterpret_cast<const int8_t*>(weights);
      args.column_scale = column_scale() + first_column;
      args.column_sum = column_sum() + first_column;
      args.out = first_out;
      args.out_stride = out_stride;
      args.rows = rows;
      args.columns = columns;
      args.depth = depth_;
      args.output = output;
      args.next_panels = next;
      kernels::matmul_int8(args);
      return;
    }
  }
}

}  // namespace brt
