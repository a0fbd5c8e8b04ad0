// SPDX-License-Identifier: Apache-2.0
// The matrix product of bfloat16 with AMX tiles.
//
// Loops, from the outside: rows in chunks whose left operand, laid out as tiles once, stays in L2;
// panels; stretches of the depth; groups of 32 rows. The next stretch of panels comes into L2
// meanwhile. A tile's product adds 32 elements of the depth: even and odd ones are summed apart,
// then both to the sums, so bits depend on where the depth begins and not on other rows or columns.
#include <immintrin.h>

#include "kernels/amx_products.h"
#include "kernels/amx_row-inl.h"
#include "kernels/amx_tiles-inl.h"
#include "kernels/first_lanes_avx512-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/transpose_square-inl.h"

namespace brt::kernels {
namespace {

constexpr int64_t kStepDepth = kMatmulDepthUnit;
constexpr int64_t kGroupRows = 2 * kTileRows;
constexpr int64_t kChunkElements = int64_t{1} << 19;     // of tiles: kAmxTileBytes
constexpr int64_t kShortRowElements = int64_t{1} << 13;  // of the right operand: 16 KiB
constexpr int64_t kSumElements = int64_t{1} << 17;       // if the output is sums: a depth of 512

static_assert(kChunkElements * static_cast<int64_t>(sizeof(Bfloat16)) == kAmxTileBytes);
static_assert(kMostChunkRows * kPanelColumns * static_cast<int64_t>(sizeof(float)) <= kAmxSumBytes);
static_assert(kTileRowBytes / static_cast<int64_t>(sizeof(Bfloat16)) == kStepDepth);

BRT_TILE_UNIT(Bfloat16Unit, _tile_dpbf16ps);

/// Rows of the left operand as tiles: groups of 32 rows, in each all steps, in each two tiles.
/// What lies outside is zero.
void rows_to_tiles(const Bfloat16* left, int64_t stride, int64_t rows, int64_t depth, char* tiles) {
  for (int64_t group = 0; group < rows; group += kGroupRows) {
    for (int64_t k = 0; k < depth; k += kStepDepth) {
      const __mmask32 mask = first32(depth - k);
      for (int64_t r = group; r < group + kGroupRows; ++r) {
        const __m512i row = r < rows ? _mm512_maskz_loadu_epi16(mask, left + r * stride + k)
                                     : _mm512_setzero_si512();
        _mm512_store_si512(tiles, row);
        tiles += kTileRowBytes;
      }
    }
  }
}

/// The same of a left operand that is a panel, from row `first` of it on.
void panel_to_tiles(
    const Bfloat16* panel, int64_t first, int64_t rows, int64_t depth, char* tiles) {
  for (int64_t group = 0; group < rows; group += kGroupRows) {
    for (int64_t k = 0; k < depth; k += kStepDepth) {
      const int64_t pairs = ceil_div(depth - k, 2);
      for (int64_t row = group; row < group + kGroupRows; row += kTileRows) {
        __m512i square[kTileRows];
        for (int64_t pair = 0; pair < kTileRows; ++pair) {
          const Bfloat16* from = panel + panel_index(k + 2 * pair, first + row, panel);
          square[pair] =
              pair < pairs && row < rows ? _mm512_loadu_si512(from) : _mm512_setzero_si512();
        }
        transpose_square(square);
        for (int64_t r = 0; r < kTileRows; ++r) {
          _mm512_store_si512(tiles, row + r < rows ? square[r] : _mm512_setzero_si512());
          tiles += kTileRowBytes;
        }
      }
    }
  }
}

/// Half of a group's rows at one step, of each eight the first or the last four: pairs of the left
/// operand's rows are joined and transposed as elements of 32 bits. A call for each half keeps all
/// in registers.
template <bool kLast>
__attribute__((always_inline)) inline void transpose_half(
    const Bfloat16* left, int64_t stride, __mmask32 mask, int64_t depth, char* tiles) {
  __m512i pairs[kTileRows];
#pragma GCC unroll 16
  for (int64_t pair = 0; pair < kTileRows; ++pair) {
    const Bfloat16* source = left + 2 * pair * stride;
    const __m512i even = _mm512_maskz_loadu_epi16(2 * pair < depth ? mask : 0, source);
    const __m512i odd = _mm512_maskz_loadu_epi16(2 * pair + 1 < depth ? mask : 0, source + stride);
    _mm_prefetch(reinterpret_cast<const char*>(source + (kStepDepth + (kLast ? 1 : 0)) * stride),
                 _MM_HINT_T0);
    pairs[pair] = kLast ? _mm512_unpackhi_epi16(even, odd) : _mm512_unpacklo_epi16(even, odd);
  }
  transpose_square(pairs);
#pragma GCC unroll 16
  for (int64_t i = 0; i < kTileRows; ++i) {
    const int64_t row = i / 4 * 8 + i % 4 + (kLast ? 4 : 0);
    _mm512_store_si512(tiles + row * kTileRowBytes, pairs[i]);
  }
}

/// The same of a left operand [depth, rows].
void transposed_to_tiles(
    const Bfloat16* left, int64_t stride, int64_t rows, int64_t depth, char* tiles) {
  const int64_t steps = ceil_div(depth, kStepDepth);
  for (int64_t k = 0; k < depth; k += kStepDepth) {
    for (int64_t group = 0; group < rows; group += kGroupRows) {
      const Bfloat16* source = left + k * stride + group;
      const __mmask32 mask = first32(rows - group);
      char* to = tiles + (group / kGroupRows * steps + k / kStepDepth) * 2 * kTileBytes;
      transpose_half<false>(source, stride, mask, depth - k, to);
      transpose_half<true>(source, stride, mask, depth - k, to);
    }
  }
}

/// Finished sums, 64 a row, into `columns` columns of the output.
void write_rows(const float* sums,
                const MatmulArgs<Bfloat16>& args,
                int64_t first_row,
                int64_t rows,
                int64_t column,
                int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row_offset = (first_row + r) * args.out_stride + column;
    for (int64_t c = 0; c < columns; c += kHalfColumns) {
      __m512 low = _mm512_load_ps(sums + r * kPanelColumns + c);
      __m512 high = _mm512_load_ps(sums + r * kPanelColumns + c + 16);
      const int64_t offset = row_offset + c;
      const __mmask16 low_mask = first16(columns - c);
      const __mmask16 high_mask = first16(columns - c - 16);
      float* out = static_cast<float*>(args.out) + offset;
      switch (args.output) {
        case MatmulOutput::kStoreRelu:
          // Of a NaN and another number, max gives the second operand.
          low = _mm512_maskz_max_ps(0xFFFF, _mm512_setzero_ps(), low);
          high = _mm512_maskz_max_ps(0xFFFF, _mm512_setzero_ps(), high);
          [[fallthrough]];
        case MatmulOutput::kStore: {
          const __mmask32 mask = first32(columns - c);
          __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(high, low);
          if (args.mask != nullptr) {
            const __m512i given = _mm512_maskz_loadu_epi16(mask, args.mask + offset);
            rounded = _mm512_maskz_mov_epi16(
                _mm512_test_epi16_mask(given, _mm512_set1_epi16(0x7FFF)), rounded);
          }
          _mm512_mask_storeu_epi16(static_cast<Bfloat16*>(args.out) + offset, mask, rounded);
          break;
        }
        case MatmulOutput::kStoreSum:
          low = _mm512_add_ps(_mm512_maskz_loadu_ps(low_mask, args.addend + offset), low);
          high = _mm512_add_ps(_mm512_maskz_loadu_ps(high_mask, args.addend + offset + 16), high);
          [[fallthrough]];
        case MatmulOutput::kStoreFloat:
        case MatmulOutput::kAddFloat:  // the sums began with the output
          _mm512_mask_storeu_ps(out, low_mask, low);
          _mm512_mask_storeu_ps(out + 16, high_mask, high);
          break;
      }
    }
  }
}

bool outputs_sums(const MatmulArgs<Bfloat16>& args) {
  return args.output == MatmulOutput::kStoreFloat || args.output == MatmulOutput::kAddFloat;
}

/// Whether a product is computed without the unit. Its depth, at most 128, is not divided.
bool is_short_row(const MatmulArgs<Bfloat16>& args) {
  return args.rows == 1 &&
         num_panels(args.columns) * kPanelColumns * args.depth <= kShortRowElements;
}

/// Of one product, aligned to 64 bytes.
struct Memory {
  char* tiles;  ///< kChunkElements of the left operand
  float* sums;  ///< [kMostChunkRows, 64]
};

/// A chunk of rows times all panels.
class ChunkProduct {
 public:
  /// @param size  elements from one panel to the next
  ChunkProduct(const MatmulArgs<Bfloat16>& args, int64_t size, int64_t first_row, int64_t rows)
      : args_(args),
        panel_size_(size),
        first_row_(first_row),
        rows_(rows),
        is_short_row_(is_short_row(args)),
        group_rows_(rows <= kTileRows ? smaller(args.rows, kTileRows) : kGroupRows),
        steps_(args.depth / kStepDepth),
        tail_depth_(args.depth % kStepDepth) {}

  void run(const Memory& memory) {
    prepare_left(memory.tiles);
    sums_ = memory.sums;
    const int64_t end = (num_panels(args_.columns) - 1) * panel_size_ + args_.depth * kPanelColumns;
    ahead_ = {reinterpret_cast<const char*>(args_.panels + end),
              static_cast<const char*>(args_.next_panels)};
    for (int64_t column = 0; column < args_.columns; column += kPanelColumns) {
      multiply_panel(args_.panels + column / kPanelColumns * panel_size_, column,
                     /*is_last=*/column + kPanelColumns >= args_.columns);
    }
  }

 private:
  const MatmulArgs<Bfloat16>& args_;
  int64_t panel_size_;
  int64_t first_row_;
  int64_t rows_;
  bool is_short_row_;
  int64_t group_rows_;
  int64_t steps_;       ///< whole ones
  int64_t tail_depth_;  ///< less than a step
  TileLeft left_ = {};
  int64_t left_group_bytes_ = 0;  ///< from one group of rows to the next
  float* sums_ = nullptr;
  LinePrefetch ahead_ = {};

  /// Where a group's sums with a panel gather.
  struct Sums {
    float* data;
    int64_t stride;
    bool is_output;
  };

  bool is_line() const { return rows_ <= kTileRows; }
  bool adds() const { return args_.output == MatmulOutput::kAddFloat; }

  void prepare_left(char* tiles) {
    const int64_t whole = is_line() ? group_rows_ : kGroupRows;
    if (args_.left_form == LeftForm::kRows && tail_depth_ == 0 && rows_ % whole == 0 &&
        (is_line() || args_.columns <= kFewColumns)) {
      const int64_t row_bytes = args_.left_stride * static_cast<int64_t>(sizeof(Bfloat16));
      left_ = {reinterpret_cast<const char*>(args_.left) + first_row_ * row_bytes, row_bytes,
               kTileRowBytes, kTileRows * row_bytes};
      left_group_bytes_ = kGroupRows * row_bytes;
      return;
    }
    switch (args_.left_form) {
      case LeftForm::kRows:
        rows_to_tiles(args_.left + first_row_ * args_.left_stride, args_.left_stride, rows_,
                      args_.depth, tiles);
        break;
      case LeftForm::kPanel:
        panel_to_tiles(args_.left, first_row_, rows_, args_.depth, tiles);
        break;
      case LeftForm::kTransposed:
        transposed_to_tiles(args_.left + first_row_, args_.left_stride, rows_, args_.depth, tiles);
        break;
    }
    left_ = {tiles, kTileRowBytes, 2 * kTileBytes, kTileBytes};
    left_group_bytes_ = 2 * kTileBytes * (steps_ + (tail_depth_ > 0 ? 1 : 0));
  }

  void multiply_panel(const Bfloat16* panel, int64_t column, bool is_last) {
    const int64_t columns = smaller(kPanelColumns, args_.columns - column);
    const int64_t stretch = is_line() ? larger(steps_, 1) : kStretchSteps;
    for (int64_t step = 0; step < steps_ || step == 0; step += stretch) {
      const int64_t end = smaller(step + stretch, steps_);
      const char* right = reinterpret_cast<const char*>(panel);
      Prefetch prefetch = prefetch_after(right, step, end, is_last);
      for (int64_t row = 0; row < rows_; row += group_rows_) {
        const int64_t rows = smaller(group_rows_, rows_ - row);
        const Sums sums = sums_of(row, rows, column, columns);
        if (step == 0 && adds() && !sums.is_output) {
          load_output(sums.data, row, rows, column, columns);
        }
        multiply_stretch(row, column, right, step, end, sums, prefetch);
        if (end == steps_) {
          if (tail_depth_ > 0) {
            multiply_tail(row, panel, sums, prefetch);
          }
          if (!sums.is_output) {
            write_rows(sums.data, args_, first_row_ + row, rows, column, columns);
          }
        }
      }
    }
  }

  /// The output itself where it is float32 and as large as the group's sums.
  Sums sums_of(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    if (outputs_sums(args_) && columns == kPanelColumns && rows == group_rows_) {
      return {static_cast<float*>(args_.out) + (first_row_ + row) * args_.out_stride + column,
              args_.out_stride, true};
    }
    return {sums_ + row * kPanelColumns, kPanelColumns, false};
  }

  void load_output(float* sums, int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    for (int64_t r = 0; r < rows; ++r) {
      const float* out =
          static_cast<const float*>(args_.out) + (first_row_ + row + r) * args_.out_stride + column;
      for (int64_t c = 0; c < kPanelColumns; c += 16) {
        _mm512_store_ps(sums + r * kPanelColumns + c,
                        _mm512_maskz_loadu_ps(first16(columns - c), out + c));
      }
    }
  }

  /// Steps [begin, end) of the depth, but for those at which all of the group's rows are zero.
  void multiply_stretch(int64_t row,
                        int64_t column,
                        const char* right,
                        int64_t begin,
                        int64_t end,
                        const Sums& sums,
                        Prefetch& prefetch) const {
    if (is_short_row_) {
      multiply_short_row(column, right, sums);
      return;
    }
    const int64_t first = first_row_ + row;
    const int64_t last = first + group_rows_ - 1;
    const bool accumulates = adds() || begin > 0;
    const int64_t from = larger(begin, (first + args_.depth_band.begin) / kStepDepth);
    const int64_t to = smaller(end, ceil_div(last + args_.depth_band.end, kStepDepth));
    const int64_t steps = larger(to - from, 0);
    if (steps == 0 && accumulates) {
      return;
    }
    const TileLeft left = group_left(row).from_step(steps > 0 ? from : 0);
    const char* first_step = right + (steps > 0 ? from : 0) * kPanelStepBytes;
    for (int64_t half = 0; half < (is_line() ? 1 : 2); ++half) {
      const int64_t half_column = column + half * kHalfColumns;
      const int64_t half_end = half_column + (is_line() ? kPanelColumns : kHalfColumns);
      if (half_column >= args_.columns) {
        continue;
      }
      if (sums.is_output && !adds() &&
          (half_end <= first + args_.column_band.begin ||
           half_column >= last + args_.column_band.end)) {
        continue;
      }
      multiply(left, first_step + half * (kPanelRowBytes / 2), steps,
               sums.data + half * kHalfColumns, sums.stride, accumulates, prefetch);
    }
  }

  /// One row: of the depth, the pairs in its band; of columns, the vectors that are wanted.
  void multiply_short_row(int64_t column, const char* right, const Sums& sums) const {
    const int64_t begin = larger(args_.depth_band.begin, 0) / 2;
    const int64_t end = smaller(ceil_div(args_.depth_band.end, 2), steps_ * kTileRows);
    int64_t first = 0;
    int64_t last = kPanelColumns / 16;
    if (sums.is_output && !adds()) {
      first = larger(args_.column_band.begin - column, 0) / 16;
      last = smaller(last, ceil_div(args_.column_band.end - column, 16));
    }
    row_product_of(last - first, left_, right + first * kTileRowBytes, begin, end,
                   sums.data + 16 * first, adds());
  }

  void multiply_tail(int64_t row,
                     const Bfloat16* panel,
                     const Sums& sums,
                     Prefetch& prefetch) const {
    const TailStep tail(panel, steps_, ceil_div(tail_depth_, 2));
    if (is_short_row_) {
      row_product<kPanelColumns / 16>(left_.from_step(steps_), tail.bytes, 0, kTileRows, sums.data,
                                      /*accumulates=*/true);
      return;
    }
    for (int64_t half = 0; half < (is_line() ? 1 : 2); ++half) {
      multiply(group_left(row).from_step(steps_), tail.bytes + half * (kPanelRowBytes / 2), 1,
               sums.data + half * kHalfColumns, sums.stride, /*accumulates=*/true, prefetch);
    }
  }

  TileLeft group_left(int64_t row) const {
    TileLeft left = left_;
    left.data += row / kGroupRows * left_group_bytes_;
    return left;
  }

  void multiply(const TileLeft& left,
                const char* right,
                int64_t steps,
                float* sums,
                int64_t stride,
                bool accumulates,
                Prefetch& prefetch) const {
    const int64_t bytes = stride * static_cast<int64_t>(sizeof(float));
    if (is_line()) {
      accumulates ? line_product<Bfloat16Unit, true>(left, right, steps, sums, bytes, ahead_)
                  : line_product<Bfloat16Unit, false>(left, right, steps, sums, bytes, ahead_);
      return;
    }
    accumulates ? square_product<Bfloat16Unit, true>(left, right, steps, sums, bytes, prefetch)
                : square_product<Bfloat16Unit, false>(left, right, steps, sums, bytes, prefetch);
  }

  /// Nothing where the whole right operand stays in L2, and behind its end.
  Prefetch prefetch_after(const char* right, int64_t begin, int64_t end, bool is_last) const {
    constexpr int64_t kInL2 = int64_t{256} * 1024;
    const int64_t bytes = args_.columns * args_.depth * static_cast<int64_t>(sizeof(Bfloat16));
    if (is_line() || bytes <= kInL2 || (is_last && end == steps_)) {
      return {};
    }
    return prefetch_behind(right, begin, end, steps_, ceil_div(rows_, group_rows_));
  }
};

/// So many rows of a left operand are tiles of this many elements with this depth, or the other way
/// round: whole groups and whole steps, since bits depend on where a part of the depth begins.
constexpr int64_t fitting(int64_t others, int64_t elements = kChunkElements) {
  static_assert(kGroupRows == kStepDepth);
  constexpr int64_t kUnit = kStepDepth;
  return elements / (ceil_div(larger(others, 1), kUnit) * kUnit) / kUnit * kUnit;
}

bool is_product_for_tiles(const MatmulArgs<Bfloat16>& args) {
  return args.rows > 0 && args.depth > 0 &&
         (outputs_sums(args) || args.depth <= fitting(kGroupRows));
}

void multiply_chunks(const MatmulArgs<Bfloat16>& args, int64_t size, const Memory& memory) {
  const int64_t most_rows = smaller(fitting(args.depth), kMostChunkRows);
  for (int64_t row = 0; row < args.rows; row += most_rows) {
    ChunkProduct(args, size, row, smaller(most_rows, args.rows - row)).run(memory);
  }
}

/// If sums of a deep product are its output: all rows with one stretch of the depth after the
/// other, so that more rows share what is read of the right operand, and what is read of both stays
/// in L2.
void multiply_stretches(const MatmulArgs<Bfloat16>& args, const Memory& memory) {
  const int64_t size = panel_size(args.depth, args.panels);
  const int64_t most_depth =
      outputs_sums(args) ? fitting(smaller(args.rows, kMostChunkRows), kSumElements) : args.depth;
  for (int64_t k = 0; k < args.depth; k += most_depth) {
    MatmulArgs<Bfloat16> part = args;
    part.left += args.left_form == LeftForm::kTransposed ? k * args.left_stride
                 : args.left_form == LeftForm::kPanel    ? k * kPanelColumns
                                                         : k;
    part.panels += k * kPanelColumns;
    part.depth = smaller(most_depth, args.depth - k);
    part.depth_band = {args.depth_band.begin - k, args.depth_band.end - k};
    if (k > 0) {
      part.output = MatmulOutput::kAddFloat;
    }
    multiply_chunks(part, size, memory);
  }
}

void multiply(const MatmulArgs<Bfloat16>& args, char* scratch) {
  const Memory memory = {scratch, reinterpret_cast<float*>(scratch + kAmxTileBytes)};
  if (is_short_row(args)) {
    const ZeroDenormals zero;
    multiply_stretches(args, memory);
  } else {
    const TileUnit unit(smaller(args.rows, kTileRows));
    multiply_stretches(args, memory);
  }
}

}  // namespace

void matmul_amx(const MatmulArgs<Bfloat16>& args, char* scratch) {
  if (is_product_for_tiles(args)) {
    multiply(args, scratch);
  } else {
    kernels_avx512bf16().of_bfloat16.matmul(args);
  }
}

bool transposed_matmul_amx(const MatmulArgs<Bfloat16>& args, char* scratch) {
  if (!is_product_for_tiles(args)) {
    return false;
  }
  multiply(args, scratch);
  return true;
}

}  // namespace brt::kernels
