// SPDX-License-Identifier: Apache-2.0
// Products with weights of 8 bits on AMX tiles. Sums are exact, in whatever order.
//
// One row alone takes vpdpbusd, which reads as fast and needs no configuration of the tiles. Else
// high and low parts of a row are two rows of the left operand. At most 8 rows are one tile and
// meet 64 columns, so that weights are read in the order of memory; of more rows, groups of 16 are
// two tiles and meet 32 columns, in the loops of matmul_amx.cpp.
#include <immintrin.h>

#include "kernels/amx_products.h"
#include "kernels/amx_tiles-inl.h"
#include "kernels/int8_outputs_avx512-inl.h"
#include "kernels/kernel_table.h"

namespace brt::kernels {
namespace {

constexpr int64_t kStepDepth = kTileRowBytes;
constexpr int64_t kMostLineRows = kTileRows / 2;
constexpr int64_t kGroupRows = kTileRows;
constexpr int64_t kChunkBytes = kAmxTileBytes;
constexpr int64_t kGroupSums = 2 * kGroupRows * kPanelColumns;  // of high, then of low

static_assert(kPanelRowBytes == kInt8Quad * kPanelColumns);
static_assert(kMostChunkRows / kGroupRows * kGroupSums * static_cast<int64_t>(sizeof(int32_t)) <=
              kAmxSumBytes);

BRT_TILE_UNIT(Int8Unit, _tile_dpbusd);

__mmask64 first64(int64_t count) {
  return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1U;
}

/// Rows of one step's depth: `count` of them, then zeros up to `all`. Returns where they end.
char* copy_rows(
    const uint8_t* from, int64_t stride, int64_t count, int64_t all, int64_t depth, char* tile) {
  const __mmask64 mask = first64(depth);
  for (int64_t r = 0; r < all; ++r) {
    _mm512_store_si512(tile, r < count ? _mm512_maskz_loadu_epi8(mask, from + r * stride)
                                       : _mm512_setzero_si512());
    tile += kTileRowBytes;
  }
  return tile;
}

/// What the finished sums of a panel's columns are scaled with.
struct alignas(64) PanelScales {
  double scale[kPanelColumns];
  double zero[kPanelColumns];

  PanelScales(const MatmulInt8Args& args, int64_t column, int64_t columns) {
    for (int64_t c = 0; c < columns; c += 8) {
      const ColumnScale eight(args, column + c, columns - c);
      _mm512_store_pd(scale + c, eight.scale);
      _mm512_store_pd(zero + c, eight.zero);
    }
  }

  /// Eight outputs of a row from column `c` on.
  __m256 scaled(const int32_t* high, const int32_t* low, int64_t c, const __m512d& row) const {
    return scaled_sums(high + c, low + c, _mm512_load_pd(zero + c), _mm512_load_pd(scale + c), row);
  }
};

/// A chunk of rows times all panels.
class ChunkProduct {
 public:
  ChunkProduct(const MatmulInt8Args& args, int64_t first_row, int64_t rows)
      : args_(args),
        first_row_(first_row),
        rows_(rows),
        is_line_(args.rows <= kMostLineRows),
        group_rows_(is_line_ ? rows : kGroupRows),
        steps_(args.depth / kStepDepth),
        tail_depth_(args.depth % kStepDepth) {}

  /// @param tiles  memory for the left operand as tiles  @param sums  for kGroupSums of a group
  void run(char* tiles, int32_t* sums) {
    prepare_left(tiles);
    sums_ = sums;
    const int64_t size = int8_panel_size(args_.depth);
    ahead_ = {reinterpret_cast<const char*>(args_.panels + num_panels(args_.columns) * size),
              static_cast<const char*>(args_.next_panels)};
    for (int64_t column = 0; column < args_.columns; column += kPanelColumns) {
      multiply_panel(args_.panels + column / kPanelColumns * size, column,
                     /*is_last=*/column + kPanelColumns >= args_.columns);
    }
  }

 private:
  const MatmulInt8Args& args_;
  int64_t first_row_;
  int64_t rows_;
  bool is_line_;
  int64_t group_rows_;
  int64_t steps_;       ///< whole ones
  int64_t tail_depth_;  ///< less than a step
  TileLeft left_ = {};
  int64_t left_group_bytes_ = 0;  ///< from one group of rows to the next
  int32_t* sums_ = nullptr;
  LinePrefetch ahead_ = {};

  void prepare_left(char* tiles) {
    const char* high = reinterpret_cast<const char*>(args_.high + first_row_ * args_.left_stride);
    const char* low = reinterpret_cast<const char*>(args_.low + first_row_ * args_.left_stride);
    const int64_t low_bytes =
        reinterpret_cast<intptr_t>(args_.low) - reinterpret_cast<intptr_t>(args_.high);
    if (tail_depth_ == 0 && !is_line_ && rows_ % kGroupRows == 0 && args_.columns <= kFewColumns) {
      left_ = {high, args_.left_stride, kTileRowBytes, low_bytes};
      left_group_bytes_ = kGroupRows * args_.left_stride;
    } else {
      rows_to_tiles(reinterpret_cast<const uint8_t*>(high), reinterpret_cast<const uint8_t*>(low),
                    tiles);
      const int64_t part_bytes = group_rows_ * kTileRowBytes;
      left_ = {tiles, kTileRowBytes, 2 * part_bytes, part_bytes};
      left_group_bytes_ = 2 * part_bytes * (steps_ + (tail_depth_ > 0 ? 1 : 0));
    }
  }

  /// Groups of rows, in each all steps, in each the high and the low parts.
  void rows_to_tiles(const uint8_t* high, const uint8_t* low, char* tiles) const {
    const int64_t stride = args_.left_stride;
    for (int64_t row = 0; row < rows_; row += group_rows_) {
      const int64_t count = smaller(group_rows_, rows_ - row);
      for (int64_t k = 0; k < args_.depth; k += kStepDepth) {
        const int64_t offset = row * stride + k;
        tiles = copy_rows(high + offset, stride, count, group_rows_, args_.depth - k, tiles);
        tiles = copy_rows(low + offset, stride, count, group_rows_, args_.depth - k, tiles);
      }
    }
  }

  void multiply_panel(const int8_t* panel, int64_t column, bool is_last) {
    const int64_t columns = smaller(kPanelColumns, args_.columns - column);
    const PanelScales scales(args_, column, columns);
    const char* right = reinterpret_cast<const char*>(panel);
    const int64_t stretch = is_line_ ? larger(steps_, 1) : kStretchSteps;
    for (int64_t step = 0; step < steps_ || step == 0; step += stretch) {
      const int64_t end = smaller(step + stretch, steps_);
      Prefetch prefetch;
      if (!is_line_ && !(is_last && end == steps_)) {
        prefetch = prefetch_behind(right, step, end, steps_, ceil_div(rows_, group_rows_));
      }
      for (int64_t row = 0; row < rows_; row += group_rows_) {
        // Sums that are finished at once share the memory of the first group's.
        int32_t* sums = sums_ + (steps_ > kStretchSteps ? row / kGroupRows * kGroupSums : 0);
        multiply(left_at(row, step), right + step * kPanelStepBytes, end - step, sums,
                 /*accumulates=*/step > 0, prefetch);
        if (end == steps_) {
          if (tail_depth_ > 0) {
            const TailStep tail(panel, steps_, ceil_div(tail_depth_, kInt8Quad));
            multiply(left_at(row, steps_), tail.bytes, 1, sums, /*accumulates=*/true, prefetch);
          }
          write_group(sums, scales, row, column, columns);
        }
      }
    }
  }

  TileLeft left_at(int64_t row, int64_t step) const {
    TileLeft left = left_.from_step(step);
    left.data += row / group_rows_ * left_group_bytes_;
    return left;
  }

  void multiply(const TileLeft& left,
                const char* right,
                int64_t steps,
                int32_t* sums,
                bool accumulates,
                Prefetch& prefetch) const {
    constexpr int64_t kStride = kPanelColumns * static_cast<int64_t>(sizeof(int32_t));
    if (is_line_) {
      accumulates ? line_product<Int8Unit, true>(left, right, steps, sums, kStride, ahead_)
                  : line_product<Int8Unit, false>(left, right, steps, sums, kStride, ahead_);
      return;
    }
    for (int64_t half = 0; half < 2; ++half) {
      const char* half_right = right + half * (kPanelRowBytes / 2);
      int32_t* out = sums + half * kHalfColumns;
      accumulates
          ? square_product<Int8Unit, true>(left, half_right, steps, out, kStride, prefetch)
          : square_product<Int8Unit, false>(left, half_right, steps, out, kStride, prefetch);
    }
  }

  void write_group(const int32_t* sums,
                   const PanelScales& scales,
                   int64_t row,
                   int64_t column,
                   int64_t columns) const {
    for (int64_t r = row; r < smaller(row + group_rows_, rows_); ++r) {
      const int32_t* high = sums + (r - row) * kPanelColumns;
      const int32_t* low = high + group_rows_ * kPanelColumns;
      const int64_t offset = (first_row_ + r) * args_.out_stride + column;
      const __m512d scale = _mm512_set1_pd(static_cast<double>(args_.row_scale[first_row_ + r]));
      for (int64_t c = 0; c < columns; c += 16) {
        write_outputs(args_, offset + c, columns - c, scales.scaled(high, low, c, scale),
                      scales.scaled(high, low, c + 8, scale));
      }
    }
  }
};

/// So many rows of this depth have room as tiles.
int64_t chunk_rows(int64_t depth) {
  const int64_t row_bytes = 2 * ceil_div(depth, kStepDepth) * kStepDepth;
  const int64_t fitting = kChunkBytes / row_bytes / kGroupRows * kGroupRows;
  return larger(smaller(fitting, kMostChunkRows), kGroupRows);
}

/// Of the deepest product: a group of rows.
constexpr int64_t kMostDepth = kChunkBytes / kGroupRows / 2;

}  // namespace

void matmul_int8_amx(const MatmulInt8Args& args, char* scratch) {
  if (args.rows <= 1 || args.depth == 0 || args.depth > kMostDepth) {
    kernels_avx512vnni().matmul_int8(args);
    return;
  }
  int32_t* sums = reinterpret_cast<int32_t*>(scratch + kAmxTileBytes);
  const int64_t most_rows = chunk_rows(args.depth);
  const TileUnit unit(args.rows <= kMostLineRows ? 2 * args.rows : kTileRows);
  for (int64_t row = 0; row < args.rows; row += most_rows) {
    ChunkProduct(args, row, smaller(most_rows, args.rows - row)).run(scratch, sums);
  }
}

}  // namespace brt::kernels
