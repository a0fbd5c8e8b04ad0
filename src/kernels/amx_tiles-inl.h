// SPDX-License-Identifier: Apache-2.0
// Products of AMX tiles: a group of 32 rows with 32 columns, or of at most 16 rows with 64, the
// unit's configuration for them, and what the loops around them share. Written once for bfloat16
// and bytes, over
//
//   struct Unit { static void add_0_46(); ... };  // tile 0 += tile 4 times tile 6
//
// (compilers want the tiles' numbers as literals, so BRT_TILE_UNIT writes it for an instruction).
// A tile has 16 rows of 64 bytes: 32 bfloat16 or 64 bytes of the depth, which is one step. Of the
// unit's eight tiles four are sums, so that a step reads four tiles for four products. Reading a
// tile from L1 takes half as long as a product and from L2 nearly as long, so what limits products
// is where their operands lie: with the left operand as whole tiles and stretches of 8 steps, 64
// columns and 32 rows of both fit L1, and two thirds of the unit's peak are reached; with rows that
// are 1 or 2 KiB apart, which fall on few sets of L1, half of it.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/min_max-inl.h"
#include "kernels/panels.h"

namespace brt::kernels {
namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileRowBytes = 64;
constexpr int64_t kTileBytes = kTileRows * kTileRowBytes;
/// Bytes between a panel's rows of pairs or quads, and between its steps.
constexpr int64_t kPanelRowBytes = 256;
constexpr int64_t kPanelStepBytes = kTileRows * kPanelRowBytes;

constexpr int64_t kStretchSteps = 8;  // of half a panel: 16 KiB
constexpr int64_t kMostChunkRows = 256;
constexpr int64_t kFewColumns = 2 * kPanelColumns;  // a left operand used so often stays as it is
constexpr int64_t kHalfColumns = kPanelColumns / 2;

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Where a left operand's tiles are.
struct TileLeft {
  const char* data;
  int64_t row_bytes;    ///< from row to row
  int64_t step_bytes;   ///< from step to step
  int64_t group_bytes;  ///< from the first 16 rows to the next

  TileLeft from_step(int64_t step) const {
    return {data + step * step_bytes, row_bytes, step_bytes, group_bytes};
  }
};

/// A panel's rows of the depth beyond whole steps, as one step; what follows them is zero.
struct TailStep {
  alignas(64) char bytes[kPanelStepBytes];

  /// @param rows  of the panel (pairs or quads) that are left
  TailStep(const void* panel, int64_t steps, int64_t rows) {
    const char* from = static_cast<const char*>(panel) + steps * kPanelStepBytes;
    for (int64_t offset = 0; offset < kPanelStepBytes; offset += kTileRowBytes) {
      _mm512_store_si512(bytes + offset, offset < rows * kPanelRowBytes
                                             ? _mm512_loadu_si512(from + offset)
                                             : _mm512_setzero_si512());
    }
  }
};

/// The part of the right operand's memory that is brought into L2 meanwhile, evenly over the steps.
struct Prefetch {
  const char* next = nullptr;
  int64_t lines_a_step = 0;

  __attribute__((always_inline)) void step() {
    for (int64_t line = 0; line < lines_a_step; ++line) {
      _mm_prefetch(next, _MM_HINT_T1);
      next += kTileRowBytes;
    }
  }
};

/// What comes after steps [begin, end) of a panel that has `steps`, spread over the products of
/// `groups` groups with both halves of it.
inline Prefetch prefetch_behind(
    const char* panel, int64_t begin, int64_t end, int64_t steps, int64_t groups) {
  constexpr int64_t kStepLines = kPanelStepBytes / kTileRowBytes;
  const int64_t lines = smaller(kStretchSteps, steps) * kStepLines;
  return {panel + end * kPanelStepBytes, ceil_div(lines, larger(2 * groups * (end - begin), 1))};
}

/// The unit's configuration while this lives, of one thread: left tiles and sums of `rows` rows.
class TileUnit {
 public:
  explicit TileUnit(int64_t rows) {
    struct alignas(64) Configuration {
      uint8_t palette = 1;
      uint8_t start = 0;
      uint8_t reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } configuration;
    for (int tile = 0; tile < 8; ++tile) {
      configuration.row_bytes[tile] = kTileRowBytes;
      configuration.rows[tile] = static_cast<uint8_t>(tile < 6 ? rows : kTileRows);
    }
    __asm__ volatile("" : : "r"(&configuration) : "memory");  // g++ 12: it reads 8 bytes, not 64
    _tile_loadconfig(&configuration);
  }
  ~TileUnit() { _tile_release(); }
  TileUnit(const TileUnit&) = delete;
  TileUnit& operator=(const TileUnit&) = delete;
};

// Tiles 0 to 3 are sums, 4 and 5 left, 6 and 7 right operands.

#define BRT_TILE_UNIT(Name, instruction)             \
  struct Name {                                      \
    static void add_0_46() { instruction(0, 4, 6); } \
    static void add_1_47() { instruction(1, 4, 7); } \
    static void add_2_46() { instruction(2, 4, 6); } \
    static void add_2_56() { instruction(2, 5, 6); } \
    static void add_3_47() { instruction(3, 4, 7); } \
    static void add_3_57() { instruction(3, 5, 7); } \
  }

/// sum [32, 32] (+)= left [32, steps] right [steps, 32]; 32 bits each, `stride` in bytes.
template <class Unit, bool kAccumulate>
__attribute__((always_inline)) inline void square_product(const TileLeft& left,
                                                          const char* right,
                                                          int64_t steps,
                                                          void* sum,
                                                          int64_t stride,
                                                          Prefetch& prefetch) {
  char* upper = static_cast<char*>(sum);
  char* lower = upper + kTileRows * stride;
  if constexpr (kAccumulate) {
    _tile_loadd(0, upper, stride);
    _tile_loadd(1, upper + kTileRowBytes, stride);
    _tile_loadd(2, lower, stride);
    _tile_loadd(3, lower + kTileRowBytes, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const char* first = left.data;
  const char* second = left.data + left.group_bytes;
  for (int64_t step = 0; step < steps; ++step) {
    _tile_loadd(6, right, kPanelRowBytes);
    _tile_loadd(4, first, left.row_bytes);
    Unit::add_0_46();
    _tile_loadd(7, right + kTileRowBytes, kPanelRowBytes);
    Unit::add_1_47();
    _tile_loadd(5, second, left.row_bytes);
    Unit::add_2_56();
    Unit::add_3_57();
    first += left.step_bytes;
    second += left.step_bytes;
    right += kPanelStepBytes;
    prefetch.step();
  }
  _tile_stored(0, upper, stride);
  _tile_stored(1, upper + kTileRowBytes, stride);
  _tile_stored(2, lower, stride);
  _tile_stored(3, lower + kTileRowBytes, stride);
}

/// What comes into L1 while few rows meet a right operand that is read once, from beyond L2: what
/// lies some steps ahead, and at the operand's end the start of what is read next. The CPU's own
/// prefetch covers the middle of long operands only.
struct LinePrefetch {
  const char* end = nullptr;   ///< of the right operand
  const char* next = nullptr;  ///< null: nothing past the end

  static constexpr int64_t kAhead = 2 * kPanelStepBytes;

  /// What to prefetch at a step; the step itself if there is nothing.
  const char* ahead(const char* right) const {
    const int64_t left = end - right;
    if (left > kAhead) {
      return right + kAhead;
    }
    return next != nullptr ? next + (kAhead - left) : right;
  }

  /// A quarter of a step's lines: prefetches in one go would hold up the tiles' loads.
  __attribute__((always_inline)) static void quarter(const char* ahead, int64_t index) {
    constexpr int64_t kBytes = kPanelStepBytes / 4;
    for (int64_t offset = index * kBytes; offset < (index + 1) * kBytes; offset += kTileRowBytes) {
      _mm_prefetch(ahead + offset, _MM_HINT_T0);
    }
  }
};

/// sum [rows, 64] (+)= left [rows, steps] right [steps, 64], for the unit's number of rows.
template <class Unit, bool kAccumulate>
__attribute__((always_inline)) inline void line_product(const TileLeft& left,
                                                        const char* right,
                                                        int64_t steps,
                                                        void* sum,
                                                        int64_t stride,
                                                        const LinePrefetch& prefetch) {
  char* out = static_cast<char*>(sum);
  if constexpr (kAccumulate) {
    _tile_loadd(0, out, stride);
    _tile_loadd(1, out + kTileRowBytes, stride);
    _tile_loadd(2, out + 2 * kTileRowBytes, stride);
    _tile_loadd(3, out + 3 * kTileRowBytes, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const char* rows = left.data;
  for (int64_t step = 0; step < steps; ++step) {
    const char* ahead = prefetch.ahead(right);
    _tile_loadd(4, rows, left.row_bytes);
    _tile_loadd(6, right, kPanelRowBytes);
    Unit::add_0_46();
    LinePrefetch::quarter(ahead, 0);
    _tile_loadd(7, right + kTileRowBytes, kPanelRowBytes);
    Unit::add_1_47();
    LinePrefetch::quarter(ahead, 1);
    _tile_loadd(6, right + 2 * kTileRowBytes, kPanelRowBytes);
    Unit::add_2_46();
    LinePrefetch::quarter(ahead, 2);
    _tile_loadd(7, right + 3 * kTileRowBytes, kPanelRowBytes);
    Unit::add_3_47();
    LinePrefetch::quarter(ahead, 3);
    rows += left.step_bytes;
    right += kPanelStepBytes;
  }
  _tile_stored(0, out, stride);
  _tile_stored(1, out + kTileRowBytes, stride);
  _tile_stored(2, out + 2 * kTileRowBytes, stride);
  _tile_stored(3, out + 3 * kTileRowBytes, stride);
}

}  // namespace
}  // namespace brt::kernels
