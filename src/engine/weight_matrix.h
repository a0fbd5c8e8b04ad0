// SPDX-License-Identifier: Apache-2.0
// A weight matrix, or several that read the same rows, packed for products.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/operand.h"
#include "engine/thread_team.h"
#include "engine/weight_format.h"
#include "kernels/matmul.h"

namespace brt {

/// y = x weight^T for weights [columns, depth]. Several sources stand side by side, each but the
/// last filled up to whole panels of 64 columns.
class WeightMatrix {
 public:
  struct Source {
    const float* weight = nullptr;  ///< [columns, depth]; must live until pack()
    int64_t columns = 0;
    int64_t stride = 0;  ///< elements from row to row
  };

  WeightMatrix() = default;
  WeightMatrix(WeightFormat format, int64_t depth, const std::vector<Source>& sources);

  /// What set_memory() wants, a multiple of 64; also what a product of one row reads.
  int64_t bytes() const;
  /// The memory for the packed weights; the matrix does not own it.
  void set_memory(std::byte* memory) { memory_ = memory; }
  /// Packs panels [begin, end).
  void pack(int64_t begin, int64_t end);

  int64_t depth() const { return depth_; }
  int64_t num_panels() const { return static_cast<int64_t>(panels_.size()); }
  /// Columns of the product, those that fill up panels between the sources included.
  int64_t columns() const { return columns_; }
  int64_t num_sources() const { return static_cast<int64_t>(first_panel_.size()); }
  /// The first column of a source.
  int64_t source_column(int64_t source) const {
    return 64 * first_panel_[static_cast<size_t>(source)];
  }

  /// out[r, c] = or += (rows weight^T)[r, c] for the columns c of the panels [panels.begin,
  /// panels.end); out points to row 0, column 0. `next` is what is read after them, if known.
  void multiply(const Operand& rows_RD,
                int64_t rows,
                Range panels,
                float* out,
                int64_t out_stride,
                kernels::MatmulOutput output = kernels::MatmulOutput::kStoreFloat,
                const std::byte* next = nullptr) const;
  /// Where a panel lies.
  const std::byte* panel(int64_t index) const { return memory_ + index * panel_bytes(); }

 private:
  /// Where one panel's columns come from.
  struct Panel {
    Source source;
    int64_t first = 0;  ///< panel within the source
  };

  WeightFormat format_ = WeightFormat::kFloat32;
  int64_t depth_ = 0;
  int64_t columns_ = 0;
  std::vector<Panel> panels_;
  std::vector<int64_t> first_panel_;
  std::byte* memory_ = nullptr;

  int64_t panel_bytes() const;
  std::byte* mutable_panel(int64_t index) const { return memory_ + index * panel_bytes(); }
  /// kInt8: after the panels.
  float* column_scale() const;
  int32_t* column_sum() const;
};

}  // namespace brt
