// SPDX-License-Identifier: Apache-2.0
// Chunks of rows; for each, tasks of a few rows (logits, softmax, hidden gradient), then tasks of a
// few entries of the table (embedding gradient).
#include "ops/fused_cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "kernels/rounding.h"
#include "kernels/softmax_gradient.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"
#include "ops/slot_memory.h"

namespace brt {
namespace {

using kernels::kPanelColumns;
using kernels::MatmulOutput;
using kernels::num_panels;

/// Rows of one task at the most. The table's panels pass once per task.
constexpr int64_t kMostTaskRows = 128;
/// Logits that are summed while they are in L2, in bytes.
constexpr int64_t kTileBytes = int64_t{512} << 10;
/// Entries of the table that one product of the hidden gradient sums over. Even, since bfloat16 is
/// packed in pairs; 128 rows of bfloat16 logits' gradient are 512 KiB, and a panel is 256 KiB.
constexpr int64_t kDepthBlock = 2048;
/// Logits' gradient of a chunk. With V = 32000 in bfloat16, 4096 rows are two chunks.
constexpr int64_t kChunkBytes = int64_t{144} << 20;
constexpr int64_t kMaxChunkRows = 2304;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Memory aligned to cache lines, not initialised.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t size)
      : bytes_(at::empty({size * static_cast<int64_t>(sizeof(T))}, at::kByte)),
        data_(static_cast<T*>(bytes_.data_ptr())) {}
  T* data() const { return data_; }

 private:
  at::Tensor bytes_;
  T* data_;
};

/// Elements from row to row such that rows start at cache lines, an odd number of them apart: a
/// column's elements then do not compete for the same sets of the cache.
template <class T>
int64_t padded_stride(int64_t columns) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  return (divide_up(columns, kLine) | 1) * kLine;
}

/// The operands; all contiguous.
struct Problem {
  const float* hidden = nullptr;     ///< [R, D]
  const float* embedding = nullptr;  ///< [V, D]
  const int64_t* target = nullptr;   ///< [R]
  const float* weight = nullptr;     ///< [R]; null: no gradient
  int64_t width = 0;                 ///< D
  int64_t vocab_size = 0;            ///< V
  std::vector<int64_t> rows;         ///< which rows are read
};

/// The results; gradients may be null.
struct Results {
  double* nats = nullptr;               ///< one of each of Problem's rows
  float* hidden_gradient = nullptr;     ///< [R, D]; only the rows that are read are written
  float* embedding_gradient = nullptr;  ///< [V, D]
};

/// T is the type of the products' operands.
template <class T>
class CrossEntropyPass {
 public:
  CrossEntropyPass(const Problem& problem, const Results& results)
      : problem_(problem),
        results_(results),
        with_gradient_(results.hidden_gradient != nullptr),
        num_rows_(static_cast<int64_t>(problem.rows.size())),
        scale_(1.0 / std::sqrt(static_cast<double>(problem.width))),
        task_rows_(std::min(kernels::matmul_part_rows() / 2, kMostTaskRows)),
        chunk_rows_(rows_of_a_chunk(num_rows_, problem.vocab_size)),
        slots_(num_slots()),
        entries_of_a_task_(entries_of_a_task(problem.vocab_size)),
        tile_columns_(kTileBytes / (task_rows_ * static_cast<int64_t>(sizeof(float))) /
                      kPanelColumns * kPanelColumns),
        logits_stride_(with_gradient_ ? padded_stride<float>(problem.vocab_size) : tile_columns_),
        gradient_stride_(padded_stride<T>(problem.vocab_size)),
        logits_panels_(num_panels(problem.vocab_size) * panel_size(problem.width)),
        hidden_(chunk_rows_ * problem.width),
        logits_(slots_ * task_rows_ * logits_stride_),
        gradient_panels_(if_gradient(num_panels(problem.width) * panel_size(even_vocab_size()))),
        gradient_(if_gradient(chunk_rows_ * gradient_stride_)),
        hidden_panels_(if_gradient(num_panels(problem.width) * panel_size(chunk_rows_))),
        hidden_rows_(if_gradient(slots_ * task_rows_ * problem.width)),
        transposed_(if_gradient(slots_ * panel_size(chunk_rows_))) {}

  void run() {
    pack_table();
    for (int64_t begin = 0; begin < num_rows_; begin += chunk_rows_) {
      const int64_t rows = std::min(chunk_rows_, num_rows_ - begin);
      parallel_tasks(divide_up(rows, task_rows_), slots_, [&](int64_t task, int64_t slot) {
        const int64_t from = task * task_rows_;
        row_task({begin, from, std::min(task_rows_, rows - from)}, slot);
      });
      if (with_gradient_) {
        add_embedding_gradient(rows, /*first=*/begin == 0);
      }
    }
  }

 private:
  /// Rows of one task.
  struct TaskRows {
    int64_t chunk_begin;  ///< the chunk's first row, as an index of Problem::rows
    int64_t from;         ///< the task's first row within the chunk
    int64_t count;
  };

  Problem problem_;
  Results results_;
  bool with_gradient_;
  int64_t num_rows_;
  double scale_;
  int64_t task_rows_;
  int64_t chunk_rows_;
  int64_t slots_;
  int64_t entries_of_a_task_;
  int64_t tile_columns_;
  int64_t logits_stride_;
  int64_t gradient_stride_;
  Buffer<T> logits_panels_;    ///< the table: depth D, columns V
  Buffer<T> hidden_;           ///< a chunk's rows [chunk_rows, D]
  Buffer<float> logits_;       ///< [slots, task_rows, V]; without gradient [.., tile_columns]
  Buffer<T> gradient_panels_;  ///< the table in blocks of depth kDepthBlock (V), columns D
  Buffer<T> gradient_;         ///< of a chunk's logits [chunk_rows, V]
  Buffer<T> hidden_panels_;    ///< a chunk's rows: depth chunk_rows, columns D
  Buffer<float> hidden_rows_;  ///< hidden gradient of a task [slots, task_rows, D]
  Buffer<T> transposed_;       ///< [slots], scratch of transposed products

  int64_t rows_of_a_chunk(int64_t num_rows, int64_t vocab_size) const {
    const int64_t fit = kChunkBytes / (vocab_size * static_cast<int64_t>(sizeof(T)));
    const int64_t most = std::clamp(fit / task_rows_ * task_rows_, task_rows_, kMaxChunkRows);
    const int64_t chunks = std::max<int64_t>(1, divide_up(num_rows, most));
    return divide_up(divide_up(num_rows, chunks), task_rows_) * task_rows_;
  }
  /// Few where the table is small, so that there are enough tasks for the threads.
  static int64_t entries_of_a_task(int64_t vocab_size) {
    constexpr int64_t kTasks = 32;
    const int64_t wanted = divide_up(vocab_size / kTasks + 1, kPanelColumns) * kPanelColumns;
    return std::min(wanted, divide_up(kernels::matmul_part_rows(), kPanelColumns) * kPanelColumns);
  }
  static int64_t panel_size(int64_t depth) {
    return kernels::panel_size(depth, static_cast<const T*>(nullptr));
  }
  int64_t even_vocab_size() const { return divide_up(problem_.vocab_size, 2) * 2; }
  int64_t if_gradient(int64_t size) const { return with_gradient_ ? size : 0; }
  /// Panels of the depth block that starts at `entry` (whole blocks come before it).
  T* gradient_block(int64_t entry) const {
    return gradient_panels_.data() + num_panels(problem_.width) * panel_size(entry);
  }

  void pack_table() {
    const int64_t width = problem_.width;
    const int64_t vocab_size = problem_.vocab_size;
    parallel_chunks(num_panels(vocab_size), [&](int64_t panel) {
      kernels::pack_columns(kernels::PackArgs<float, T>{problem_.embedding, width,
                                                        logits_panels_.data(), width, vocab_size},
                            panel, panel + 1);
    });
    if (!with_gradient_) {
      return;
    }
    parallel_chunks(divide_up(vocab_size, kDepthBlock), [&](int64_t block) {
      const int64_t entry = block * kDepthBlock;
      const int64_t depth = std::min(kDepthBlock, vocab_size - entry);
      kernels::pack_rows(kernels::PackArgs<float, T>{problem_.embedding + entry * width, width,
                                                     gradient_block(entry), depth, width},
                         0, num_panels(width));
    });
  }

  void row_task(const TaskRows& rows, int64_t slot) {
    const int64_t* indices = problem_.rows.data() + rows.chunk_begin + rows.from;
    T* hidden = hidden_.data() + rows.from * problem_.width;
    for (int64_t r = 0; r < rows.count; ++r) {
      kernels::round_row(problem_.hidden + indices[r] * problem_.width, hidden + r * problem_.width,
                         problem_.width);
    }
    float* logits = logits_.data() + slot * task_rows_ * logits_stride_;
    kernels::SoftmaxSum sums[kMostTaskRows];
    double* nats = results_.nats + rows.chunk_begin + rows.from;
    compute_logits(hidden, indices, rows.count, logits, sums, nats);
    if (with_gradient_) {
      gradients(rows, logits, sums, nats, hidden_rows_.data() + slot * task_rows_ * problem_.width);
    }
  }

  /// Logits before the scale, their softmax's sums, and the rows' nats.
  void compute_logits(const T* hidden,
                      const int64_t* indices,
                      int64_t count,
                      float* logits,
                      kernels::SoftmaxSum* sums,
                      double* nats) {
    const int64_t width = problem_.width;
    float target_logits[kMostTaskRows];
    for (int64_t column = 0; column < problem_.vocab_size; column += tile_columns_) {
      const int64_t columns = std::min(tile_columns_, problem_.vocab_size - column);
      float* tile = with_gradient_ ? logits + column : logits;
      kernels::matmul(kernels::MatmulArgs<T>{
          .left = hidden,
          .left_stride = width,
          .panels = logits_panels_.data() + column / kPanelColumns * panel_size(width),
          .out = tile,
          .out_stride = logits_stride_,
          .rows = count,
          .columns = columns,
          .depth = width,
          .output = MatmulOutput::kStoreFloat});
      kernels::softmax_sums({.logits = tile,
                             .logits_stride = logits_stride_,
                             .rows = count,
                             .columns = columns,
                             .scale = static_cast<float>(scale_),
                             .sums = sums});
      for (int64_t r = 0; r < count; ++r) {
        const int64_t index = problem_.target[indices[r]] - column;
        if (index >= 0 && index < columns) {
          target_logits[r] = tile[r * logits_stride_ + index];
        }
      }
    }
    for (int64_t r = 0; r < count; ++r) {
      const double below = static_cast<double>(sums[r].maximum) - target_logits[r];
      nats[r] = below * scale_ + std::log(sums[r].sum);
    }
  }

  /// The logits' gradient and the hidden gradient it gives, a block of the table at a time.
  void gradients(const TaskRows& rows,
                 const float* logits,
                 const kernels::SoftmaxSum* sums,
                 const double* nats,
                 float* hidden_sums) {
    const int64_t* indices = problem_.rows.data() + rows.chunk_begin + rows.from;
    const int64_t width = problem_.width;
    float factors[kMostTaskRows];
    for (int64_t r = 0; r < rows.count; ++r) {
      factors[r] = static_cast<float>(problem_.weight[indices[r]] * scale_);
    }
    for (int64_t entry = 0; entry < problem_.vocab_size; entry += kDepthBlock) {
      const int64_t entries = std::min(kDepthBlock, problem_.vocab_size - entry);
      T* gradient = gradient_.data() + rows.from * gradient_stride_ + entry;
      kernels::softmax_gradient(
          kernels::SoftmaxGradientArgs<T>{.logits = logits + entry,
                                          .logits_stride = logits_stride_,
                                          .sums = sums,
                                          .factors = factors,
                                          .out = gradient,
                                          .out_stride = gradient_stride_,
                                          .rows = rows.count,
                                          .columns = entries,
                                          .scale = static_cast<float>(scale_)});
      subtract_target(indices, rows.count, factors, nats, gradient, entry, entries);
      kernels::matmul(kernels::MatmulArgs<T>{
          .left = gradient,
          .left_stride = gradient_stride_,
          .panels = gradient_block(entry),
          .out = hidden_sums,
          .out_stride = width,
          .rows = rows.count,
          .columns = width,
          .depth = entries,
          .output = entry == 0 ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat});
    }
    for (int64_t r = 0; r < rows.count; ++r) {
      std::copy_n(hidden_sums + r * width, width, results_.hidden_gradient + indices[r] * width);
    }
  }

  /// d loss / d logits before the scale = (softmax - one_hot(target)) weight / sqrt(D), where the
  /// target is among the block's entries; `gradient` points to the first.
  void subtract_target(const int64_t* indices,
                       int64_t count,
                       const float* factors,
                       const double* nats,
                       T* gradient,
                       int64_t entry,
                       int64_t entries) const {
    for (int64_t r = 0; r < count; ++r) {
      const int64_t index = problem_.target[indices[r]] - entry;
      if (index >= 0 && index < entries) {
        // softmax[target] - 1, rounded to T once
        const float value =
            static_cast<float>(std::expm1(-nats[r]) * static_cast<double>(factors[r]));
        kernels::from_float(value, gradient[r * gradient_stride_ + index]);
      }
    }
  }

  /// Adds (logits' gradient)^T hidden of a chunk.
  void add_embedding_gradient(int64_t rows, bool first) {
    const int64_t width = problem_.width;
    parallel_chunks(num_panels(width), [&](int64_t panel) {
      kernels::pack_rows(
          kernels::PackArgs<T, T>{hidden_.data(), width, hidden_panels_.data(), rows, width}, panel,
          panel + 1);
    });
    const int64_t tasks = divide_up(problem_.vocab_size, entries_of_a_task_);
    parallel_tasks(tasks, slots_, [&](int64_t task, int64_t slot) {
      const int64_t entry = task * entries_of_a_task_;
      kernels::MatmulArgs<T> args;
      args.left = gradient_.data() + entry;
      args.left_stride = gradient_stride_;
      args.left_form = kernels::LeftForm::kTransposed;
      args.panels = hidden_panels_.data();
      args.out = results_.embedding_gradient + entry * width;
      args.out_stride = width;
      args.rows = std::min(entries_of_a_task_, problem_.vocab_size - entry);
      args.columns = width;
      args.depth = rows;
      args.output = first ? MatmulOutput::kStoreFloat : MatmulOutput::kAddFloat;
      kernels::transposed_matmul(args, transposed_.data() + slot * panel_size(chunk_rows_));
    });
  }
};

/// A problem that has no rows yet; the tensors are contiguous and must outlive it.
Problem problem_of(const at::Tensor& hidden_RD,
                   const at::Tensor& embedding_VD,
                   const at::Tensor& target_R) {
  Problem problem;
  problem.hidden = hidden_RD.const_data_ptr<float>();
  problem.embedding = embedding_VD.const_data_ptr<float>();
  problem.target = target_R.const_data_ptr<int64_t>();
  problem.width = embedding_VD.size(1);
  problem.vocab_size = embedding_VD.size(0);
  return problem;
}

void run_pass(const Problem& problem, const Results& results, at::ScalarType dtype) {
  with_kernel_type(dtype,
                   [&](auto type) { CrossEntropyPass<decltype(type)>(problem, results).run(); });
}

}  // namespace

bool is_cross_entropy_fused(const at::Tensor& hidden_RD,
                            const at::Tensor& embedding_VD,
                            at::ScalarType dtype) {
  return is_float32_for_kernels(hidden_RD) && is_float32_for_kernels(embedding_VD) &&
         hidden_RD.size(1) > 0 && is_for_kernels(dtype);
}

at::Tensor fused_token_losses(const at::Tensor& hidden_RD,
                              const at::Tensor& embedding_VD,
                              const at::Tensor& target_R,
                              at::ScalarType dtype) {
  const at::Tensor nats_R = at::empty({hidden_RD.size(0)}, at::kDouble);
  if (hidden_RD.size(0) == 0) {
    return nats_R.to(at::kFloat);
  }
  const at::Tensor hidden = hidden_RD.contiguous();
  const at::Tensor embedding = embedding_VD.contiguous();
  const at::Tensor target = target_R.contiguous();
  Problem problem = problem_of(hidden, embedding, target);
  for (int64_t r = 0; r < hidden.size(0); ++r) {
    problem.rows.push_back(r);
  }
  run_pass(problem, {.nats = nats_R.mutable_data_ptr<double>()}, dtype);
  return nats_R.to(at::kFloat);
}

WeightedLoss fused_weighted_loss(const at::Tensor& hidden_RD,
                                 const at::Tensor& embedding_VD,
                                 const at::Tensor& target_R,
                                 const at::Tensor& weight_R,
                                 at::ScalarType dtype,
                                 bool with_gradient) {
  const at::Tensor hidden = hidden_RD.contiguous();
  const at::Tensor embedding = embedding_VD.contiguous();
  const at::Tensor target = target_R.contiguous();
  const at::Tensor weight = weight_R.contiguous();
  Problem problem = problem_of(hidden, embedding, target);
  problem.weight = weight.const_data_ptr<float>();
  for (int64_t r = 0; r < hidden.size(0); ++r) {
    if (problem.weight[r] != 0.0F) {
      problem.rows.push_back(r);
    }
  }
  std::vector<double> nats(problem.rows.size());
  Results results{.nats = nats.data()};
  WeightedLoss weighted;
  if (with_gradient) {
    const bool all_rows = static_cast<int64_t>(problem.rows.size()) == hidden.size(0);
    weighted.hidden_gradient_RD =
        all_rows ? at::empty(hidden.sizes(), at::kFloat) : at::zeros(hidden.sizes(), at::kFloat);
    weighted.embedding_gradient_VD = problem.rows.empty()
                                         ? at::zeros(embedding.sizes(), at::kFloat)
                                         : at::empty(embedding.sizes(), at::kFloat);
    results.hidden_gradient = weighted.hidden_gradient_RD.mutable_data_ptr<float>();
    results.embedding_gradient = weighted.embedding_gradient_VD.mutable_data_ptr<float>();
  }
  double loss = 0.0;
  if (!problem.rows.empty()) {
    run_pass(problem, results, dtype);
    for (size_t i = 0; i < nats.size(); ++i) {
      loss += static_cast<double>(problem.weight[problem.rows[i]]) * nats[i];
    }
  }
  weighted.loss = at::empty({}, at::kFloat);
  weighted.loss.fill_(loss);
  return weighted;
}

}  // namespace brt
