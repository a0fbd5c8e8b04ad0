// SPDX-License-Identifier: Apache-2.0
// The choice of target for products with weights of 8 bits and for the rows they take.
#include "kernels/int8_matmul.h"

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

void check(const QuantizeRowsArgs& args, int64_t begin, int64_t end) {
  BRT_ASSERT(is_range(begin, end));
  BRT_ASSERT(args.depth >= 0 && args.stride >= int8_padded_depth(args.depth));
  BRT_ASSERT(is_matrix(args.x, end, args.depth, args.x_stride));
  BRT_ASSERT(is_array(args.high, end * args.stride));
  BRT_ASSERT(is_array(args.low, end * args.stride));
  BRT_ASSERT(are_apart(args.high, end * args.stride, args.low, end * args.stride));
  BRT_ASSERT(is_array(args.scale, end));
}

void check(const MatmulInt8Args& args) {
  BRT_ASSERT(args.rows >= 0 && is_range(0, args.depth, kMaxInt8Depth));
  BRT_ASSERT(args.left_stride >= int8_padded_depth(args.depth));
  BRT_ASSERT(is_array(args.high, args.rows * args.left_stride));
  BRT_ASSERT(is_array(args.low, args.rows * args.left_stride));
  BRT_ASSERT(is_array(args.row_scale, args.rows));
  BRT_ASSERT(is_matrix(args.out, args.rows, args.columns, args.out_stride));
  if (args.rows > 0) {
    BRT_ASSERT(is_array(args.panels, num_panels(args.columns) * int8_panel_size(args.depth)));
    BRT_ASSERT(is_array(args.column_scale, args.columns));
    BRT_ASSERT(is_array(args.column_sum, args.columns));
  }
  BRT_ASSERT(args.output == MatmulOutput::kStoreFloat || args.output == MatmulOutput::kAddFloat);
}

}  // namespace

void quantize_rows(const QuantizeRowsArgs& args, int64_t begin, int64_t end) {
  check(args, begin, end);
  kernel_table().quantize_rows(args, begin, end);
}

void matmul_int8(const MatmulInt8Args& args) {
  check(args);
  kernel_table().matmul_int8(args);
}

}  // namespace brt::kernels
