// SPDX-License-Identifier: Apache-2.0
// The choice of packing's target.
#include "kernels/panels.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/argument_checks.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

/// Panels [begin, end) are packed of a source whose elements lie as [rows, columns]. A caller that
/// packs one panel alone may give `panels` as where the first one would be.
template <class Source, class T>
void check(
    const PackArgs<Source, T>& args, int64_t begin, int64_t end, int64_t rows, int64_t columns) {
  BRT_ASSERT(is_range(begin, end, num_panels(args.columns)));
  BRT_ASSERT(args.depth >= 0 && args.columns >= 0);
  BRT_ASSERT(begin == end || is_matrix(args.source, rows, columns, args.source_stride));
  BRT_ASSERT(begin == end || is_array(args.panels, args.depth));
}
template <class Source, class T>
void check_rows(const PackArgs<Source, T>& args, int64_t begin, int64_t end) {
  check(args, begin, end, args.depth, args.columns);
}
template <class Source, class T>
void check_columns(const PackArgs<Source, T>& args, int64_t begin, int64_t end) {
  check(args, begin, end, args.columns, args.depth);
}

template <class T>
void check(const TransposeArgs<T>& args) {
  const int64_t columns = args.column_end - args.column_begin;
  BRT_ASSERT(is_range(args.column_begin, args.column_end));
  BRT_ASSERT(is_matrix(args.source, args.rows, args.column_end, args.source_stride));
  BRT_ASSERT(is_matrix(args.out, columns, args.rows, args.out_stride));
}

template <class T>
void pack_range(const PackArgs<T, T>& args, int64_t first, int64_t count) {
  BRT_ASSERT(is_range(first, first + count, args.depth) && first % 2 == 0);
  const int64_t size = panel_size(args.depth, args.panels);
  for (int64_t panel = 0; panel < num_panels(args.columns); ++panel) {
    const int64_t column = panel * kPanelColumns;
    PackArgs<T, T> part = args;
    part.source += first * args.source_stride + column;
    part.panels += panel * size + first * kPanelColumns;
    part.depth = count;
    part.columns = std::min(kPanelColumns, args.columns - column);
    pack_rows(part, 0, 1);
  }
}

}  // namespace

void pack_row_range(const PackArgs<float, float>& args, int64_t first, int64_t count) {
  pack_range(args, first, count);
}
void pack_row_range(const PackArgs<Bfloat16, Bfloat16>& args, int64_t first, int64_t count) {
  pack_range(args, first, count);
}

void pack_rows(const PackArgs<float, float>& args, int64_t begin, int64_t end) {
  check_rows(args, begin, end);
  kernel_table().of_float.pack_rows(args, begin, end);
}
void pack_rows(const PackArgs<float, Bfloat16>& args, int64_t begin, int64_t end) {
  check_rows(args, begin, end);
  kernel_table().of_bfloat16.pack_rounded_rows(args, begin, end);
}
void pack_rows(const PackArgs<Bfloat16, Bfloat16>& args, int64_t begin, int64_t end) {
  check_rows(args, begin, end);
  kernel_table().of_bfloat16.pack_rows(args, begin, end);
}
void pack_columns(const PackArgs<float, float>& args, int64_t begin, int64_t end) {
  check_columns(args, begin, end);
  kernel_table().of_float.pack_columns(args, begin, end);
}
void pack_columns(const PackArgs<float, Bfloat16>& args, int64_t begin, int64_t end) {
  check_columns(args, begin, end);
  kernel_table().of_bfloat16.pack_rounded_columns(args, begin, end);
}
void pack_columns(const PackArgs<Bfloat16, Bfloat16>& args, int64_t begin, int64_t end) {
  check_columns(args, begin, end);
  kernel_table().of_bfloat16.pack_columns(args, begin, end);
}
void transpose(const TransposeArgs<float>& args) {
  check(args);
  kernel_table().of_float.transpose(args);
}
void transpose(const TransposeArgs<Bfloat16>& args) {
  check(args);
  kernel_table().of_bfloat16.transpose(args);
}

}  // namespace brt::kernels
