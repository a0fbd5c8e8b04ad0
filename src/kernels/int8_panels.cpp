// SPDX-License-Identifier: Apache-2.0
// Weights rounded to bytes and packed; once per model, so in plain loops.
#include "kernels/int8_panels.h"

#include <cstring>

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/int8_scale-inl.h"

namespace brt::kernels {
namespace {

/// Column `column` of a panel from a row of the source; returns the sum of its bytes.
int32_t pack_column(const float* row, int64_t depth, float inverse, int64_t column, int8_t* panel) {
  int32_t sum = 0;
  for (int64_t k = 0; k < depth; ++k) {
    const int32_t rounded = inverse == 0.0F ? 0 : nearest_integer(row[k], inverse);
    panel[int8_panel_index(k, column)] = static_cast<int8_t>(rounded);
    sum += rounded;
  }
  return sum;
}

}  // namespace

void pack_int8(const PackInt8Args& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end, num_panels(args.columns)));
  BRT_ASSERT(is_range(0, args.depth, kMaxInt8Depth));
  BRT_ASSERT(begin == end || is_matrix(args.source, args.columns, args.depth, args.source_stride));
  BRT_ASSERT(is_array(args.panels, end * int8_panel_size(args.depth)));
  BRT_ASSERT(is_array(args.scale, end * kPanelColumns));
  BRT_ASSERT(is_array(args.sum, end * kPanelColumns));
  const int64_t size = int8_panel_size(args.depth);
  for (int64_t p = begin; p < end; ++p) {
    int8_t* panel = args.panels + p * size;
    std::memset(panel, 0, static_cast<size_t>(size));
    for (int64_t c = 0; c < kPanelColumns; ++c) {
      const int64_t column = p * kPanelColumns + c;
      args.scale[column] = 0.0F;
      args.sum[column] = 0;
      if (column < args.columns) {
        const float* row = args.source + column * args.source_stride;
        const IntegerScale scale =
            integer_scale(row, args.depth, static_cast<float>(kLargestInt8Weight));
        args.scale[column] = scale.scale;
        args.sum[column] = pack_column(row, args.depth, scale.inverse, c, panel);
      }
    }
  }
}

}  // namespace brt::kernels
