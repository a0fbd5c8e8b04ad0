// SPDX-License-Identifier: Apache-2.0
// The two passes of fused attention: pack keys and values of each lane and head, and run the
// kernels over tiles of queries.
//
// Letters: B lanes, N queries, M keys, H heads, K head size, W keys of a window.
#include "ops/fused_attention.h"

#include <algorithm>
#include <array>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "base/divide_up.h"
#include "kernels/attention.h"
#include "kernels/rounding.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"
#include "ops/slot_memory.h"

namespace brt {
namespace {

using kernels::AttentionHead;
using kernels::AttentionTile;
using kernels::AttentionTileGradient;

constexpr int64_t kFewestRows = 8;

/// The operands, contiguous, and the sizes.
struct Problem {
  explicit Problem(const FusedAttentionCall& call)
      : query_BNHK(call.query_BNHK.contiguous()),
        keys_BMHK(call.keys_BMHK.contiguous()),
        values_BMHK(call.values_BMHK.contiguous()),
        visible(call.visible),
        first_keys(call.visible.first_keys(query_BNHK.size(0))),
        lanes(query_BNHK.size(0)),
        queries(query_BNHK.size(1)),
        heads(query_BNHK.size(2)),
        head_size(query_BNHK.size(3)),
        keys(keys_BMHK.size(1)) {
    if (call.bias_HW.defined()) {
      bias_HW = call.bias_HW.to(at::kFloat).contiguous();
    }
    if (call.scale_H.defined()) {
      scale_H = call.scale_H.to(at::kFloat).abs().contiguous();
    }
  }

  int64_t tiles() const { return divide_up(queries, kernels::kAttentionRows); }
  /// Elements before the first of one lane's head, in a tensor of `tokens` tokens.
  int64_t offset(int64_t lane, int64_t head, int64_t tokens) const {
    return (lane * tokens * heads + head) * head_size;
  }

  at::Tensor query_BNHK;
  at::Tensor keys_BMHK;
  at::Tensor values_BMHK;
  at::Tensor bias_HW;
  at::Tensor scale_H;
  VisibleKeys visible;
  std::vector<int64_t> first_keys;  ///< of each lane
  int64_t lanes, queries, heads, head_size, keys;
};

enum class PanelForm { kColumns, kRows };  // transposed, or as it is

/// Panels of each lane and head of a tensor [B, M, H, K]: [B*H, elements].
template <class T>
at::Tensor pack_heads(const Problem& problem, const at::Tensor& tensor_BMHK, PanelForm form) {
  const bool columns = form == PanelForm::kColumns;
  kernels::PackArgs<T, T> args;
  args.source_stride = problem.heads * problem.head_size;
  args.depth = columns ? problem.head_size : problem.keys;
  args.columns = columns ? problem.keys : problem.head_size;
  const int64_t panels = kernels::num_panels(args.columns);
  const int64_t elements = panels * kernels::panel_size(args.depth, args.panels);
  const int64_t lane_heads = problem.lanes * problem.heads;
  at::Tensor packed = at::empty({lane_heads, elements}, tensor_BMHK.options());
  // A panel's worth of tokens after the other, all heads of each: as they lie in memory.
  const int64_t blocks = kernels::num_panels(problem.keys);
  parallel_chunks(problem.lanes * blocks, [&](int64_t task) {
    const int64_t first = task % blocks * kernels::kPanelColumns;
    for (int64_t head = 0; head < problem.heads; ++head) {
      const int64_t lane = task / blocks;
      kernels::PackArgs<T, T> part = args;
      part.source = const_pointer<T>(tensor_BMHK) + problem.offset(lane, head, problem.keys);
      part.panels = mutable_pointer<T>(packed) + (lane * problem.heads + head) * elements;
      if (columns) {
        kernels::pack_columns(part, task % blocks, task % blocks + 1);
      } else {
        kernels::pack_row_range(part, first,
                                std::min(kernels::kPanelColumns, problem.keys - first));
      }
    }
  });
  return packed;
}

template <class T>
AttentionHead<T> head_of(const Problem& problem, int64_t index) {
  const int64_t lane = index / problem.heads;
  const int64_t head = index % problem.heads;
  AttentionHead<T> args;
  args.bias = problem.bias_HW.defined()
                  ? problem.bias_HW.const_data_ptr<float>() + head * problem.bias_HW.size(1)
                  : nullptr;
  args.scale = problem.scale_H.defined() ? problem.scale_H.const_data_ptr<float>()[head] : 1.0F;
  args.head_size = problem.head_size;
  args.num_keys = problem.keys;
  args.window = problem.visible.window;
  args.first_visible = problem.first_keys[static_cast<size_t>(lane)];
  return args;
}

template <class T>
const T* packed_head(const at::Tensor& packed, int64_t index) {
  return const_pointer<T>(packed) + index * packed.size(1);
}

/// The tile's rows of out_BNHK, which backward does not give, and log_sum_BHN.
template <class T>
AttentionTile<T> tile_of(const Problem& problem,
                         const at::Tensor& out_BNHK,
                         const at::Tensor& log_sum_BHN,
                         int64_t index,
                         int64_t tile) {
  const int64_t row = tile * kernels::kAttentionRows;
  const int64_t stride = problem.heads * problem.head_size;
  const int64_t offset =
      problem.offset(index / problem.heads, index % problem.heads, problem.queries) + row * stride;
  AttentionTile<T> args;
  args.first = problem.visible.first_row + row;
  args.rows = std::min(kernels::kAttentionRows, problem.queries - row);
  args.stride = stride;
  args.query = const_pointer<T>(problem.query_BNHK) + offset;
  args.out = out_BNHK.defined() ? static_cast<T*>(out_BNHK.data_ptr()) + offset : nullptr;
  args.log_sum = static_cast<float*>(log_sum_BHN.data_ptr()) + index * problem.queries + row;
  return args;
}

template <class T>
FusedAttentionResult forward_of(const Problem& problem) {
  FusedAttentionResult result;
  result.key_columns = pack_heads<T>(problem, problem.keys_BMHK, PanelForm::kColumns);
  const at::Tensor value_rows = pack_heads<T>(problem, problem.values_BMHK, PanelForm::kRows);
  result.out_BNHK = at::empty(problem.query_BNHK.sizes(), problem.query_BNHK.options());
  result.log_sum_BHN = at::empty({problem.lanes, problem.heads, problem.queries},
                                 problem.query_BNHK.options().dtype(at::kFloat));
  const int64_t tiles = problem.tiles();
  const int64_t slots = num_slots();
  const SlotMemory<char> scratch(slots, kernels::attention_scratch_bytes(head_of<T>(problem, 0)));
  parallel_tasks(problem.lanes * problem.heads * tiles, slots, [&](int64_t task, int64_t slot) {
    const int64_t index = task / tiles;
    AttentionHead<T> head = head_of<T>(problem, index);
    head.key_columns = packed_head<T>(result.key_columns, index);
    head.value_rows = packed_head<T>(value_rows, index);
    kernels::attention_forward(
        head, tile_of<T>(problem, result.out_BNHK, result.log_sum_BHN, index, task % tiles),
        scratch.of(slot));
  });
  return result;
}

struct Gradients {
  at::Tensor query_BNHK, keys_BMHK, values_BMHK;
  at::Tensor bias_BHW;  ///< of each lane
  at::Tensor scale_BH;  ///< float64, of each lane
};

/// The gradients of one head's keys and values while its tiles pass: sums of the keys that the tile
/// at hand and later ones see, which stay in L2; those before are in their place, rounded.
template <class T>
class PassingSums {
 public:
  /// Rows of float32 [head_size] that the memory of one of both sums takes.
  static int64_t rows(const Problem& problem) {
    const int64_t window = problem.visible.window;
    const int64_t passing = 2 * (window + 2 * kernels::kAttentionRows);
    return window > 0 ? std::min(passing, problem.keys) : problem.keys;
  }

  /// @param memory  for both sums
  PassingSums(const Problem& problem, const Gradients& gradients, int64_t index, float* memory)
      : problem_(problem),
        rows_(rows(problem)),
        sums_{memory, memory + rows_ * problem.head_size},
        to_{mutable_pointer<T>(gradients.keys_BMHK), mutable_pointer<T>(gradients.values_BMHK)} {
    for (T*& to : to_) {
      to += problem.offset(index / problem.heads, index % problem.heads, problem.keys);
    }
  }
  float* of_keys() const { return sums_[0]; }
  float* of_values() const { return sums_[1]; }
  int64_t first_key() const { return first_; }

  /// To a tile of these keys, which begin and end no earlier than the last one's.
  void move_to(const kernels::KeySpan& keys) {
    store(std::min(keys.begin, end_));
    if (keys.begin > end_) {
      skip(keys.begin);
    }
    if (keys.end - first_ > rows_) {
      move_to_front(keys.begin);
    }
    const int64_t added = (keys.end - end_) * problem_.head_size;
    for (float* sum : sums_) {
      std::fill_n(sum + (end_ - first_) * problem_.head_size, added, 0.0F);
    }
    end_ = keys.end;
  }
  void finish() { move_to({problem_.keys, problem_.keys}); }

 private:
  const Problem& problem_;
  int64_t rows_;
  std::array<float*, 2> sums_;
  std::array<T*, 2> to_;
  int64_t first_ = 0;   ///< key of the sums' first row
  int64_t stored_ = 0;  ///< keys before it are in their place
  int64_t end_ = 0;     ///< of the keys that have sums

  int64_t stride() const { return problem_.heads * problem_.head_size; }
  void store(int64_t end) {
    for (; stored_ < end; ++stored_) {
      for (size_t i = 0; i < sums_.size(); ++i) {
        kernels::round_row(sums_[i] + (stored_ - first_) * problem_.head_size,
                           to_[i] + stored_ * stride(), problem_.head_size);
      }
    }
  }
  /// Keys that no tile has.
  void skip(int64_t end) {
    for (; stored_ < end; ++stored_) {
      for (T* to : to_) {
        std::fill_n(to + stored_ * stride(), problem_.head_size, T{});
      }
    }
    first_ = end;
    end_ = end;
  }
  void move_to_front(int64_t begin) {
    for (float* sum : sums_) {
      const float* from = sum + (begin - first_) * problem_.head_size;
      std::copy(from, from + (end_ - begin) * problem_.head_size, sum);
    }
    first_ = begin;
  }
};

/// What backward reads beside the problem: keys and values as panels, and one number a row.
struct BackwardInputs {
  at::Tensor key_columns, key_rows, value_columns;
  at::Tensor log_sum_BHN;
  at::Tensor out_gradient_BNHK;
};

/// Not initialised, but for what tiles add to.
Gradients empty_gradients(const Problem& problem) {
  const at::TensorOptions float32 = problem.query_BNHK.options().dtype(at::kFloat);
  const int64_t window = problem.bias_HW.defined() ? problem.bias_HW.size(1) : 0;
  Gradients gradients;
  gradients.query_BNHK = at::empty(problem.query_BNHK.sizes(), problem.query_BNHK.options());
  gradients.keys_BMHK = at::empty(problem.keys_BMHK.sizes(), problem.keys_BMHK.options());
  gradients.values_BMHK = at::empty(problem.values_BMHK.sizes(), problem.values_BMHK.options());
  gradients.bias_BHW = at::zeros({problem.lanes, problem.heads, window}, float32);
  gradients.scale_BH = at::zeros({problem.lanes, problem.heads}, float32.dtype(at::kDouble));
  return gradients;
}

/// All tiles of one lane's head, one after the other.
template <class T>
void add_head_gradients(const Problem& problem,
                        const BackwardInputs& in,
                        int64_t index,
                        const Gradients& gradients,
                        float* sums_memory,
                        char* scratch) {
  AttentionHead<T> head = head_of<T>(problem, index);
  head.key_columns = packed_head<T>(in.key_columns, index);
  head.key_rows = packed_head<T>(in.key_rows, index);
  head.value_columns = packed_head<T>(in.value_columns, index);
  const int64_t window = gradients.bias_BHW.size(2);
  PassingSums<T> sums(problem, gradients, index, sums_memory);
  for (int64_t t = 0; t < problem.tiles(); ++t) {
    const AttentionTile<T> tile = tile_of<T>(problem, at::Tensor(), in.log_sum_BHN, index, t);
    const int64_t offset = tile.query - const_pointer<T>(problem.query_BNHK);
    AttentionTileGradient<T> gradient;
    gradient.out_gradient = const_pointer<T>(in.out_gradient_BNHK) + offset;
    gradient.query_gradient = mutable_pointer<T>(gradients.query_BNHK) + offset;
    sums.move_to(kernels::attention_keys(head, tile));
    gradient.key_gradient = sums.of_keys();
    gradient.value_gradient = sums.of_values();
    gradient.first_key = sums.first_key();
    gradient.bias_gradient = gradients.bias_BHW.mutable_data_ptr<float>() + index * window;
    gradient.scale_gradient = gradients.scale_BH.mutable_data_ptr<double>() + index;
    kernels::attention_backward(head, tile, gradient, scratch);
  }
  sums.finish();
}

/// @param forward  its key_columns may be undefined
template <class T>
Gradients backward_of(const Problem& problem,
                      const FusedAttentionResult& forward,
                      const at::Tensor& out_gradient_BNHK) {
  const BackwardInputs in = {forward.key_columns.defined()
                                 ? forward.key_columns
                                 : pack_heads<T>(problem, problem.keys_BMHK, PanelForm::kColumns),
                             pack_heads<T>(problem, problem.keys_BMHK, PanelForm::kRows),
                             pack_heads<T>(problem, problem.values_BMHK, PanelForm::kColumns),
                             forward.log_sum_BHN, out_gradient_BNHK};
  const Gradients gradients = empty_gradients(problem);
  const int64_t slots = num_slots();
  const SlotMemory<char> scratch(slots, kernels::attention_scratch_bytes(head_of<T>(problem, 0)));
  const SlotMemory<float> sums_memory(slots, 2 * PassingSums<T>::rows(problem) * problem.head_size);
  parallel_tasks(problem.lanes * problem.heads, slots, [&](int64_t index, int64_t slot) {
    add_head_gradients<T>(problem, in, index, gradients, sums_memory.of(slot), scratch.of(slot));
  });
  return gradients;
}

}  // namespace

bool is_attention_fused(const at::Tensor& query_BNHK,
                        const at::Tensor& keys_BMHK,
                        const at::Tensor& values_BMHK) {
  return is_for_kernels(query_BNHK) && keys_BMHK.scalar_type() == query_BNHK.scalar_type() &&
         values_BMHK.scalar_type() == query_BNHK.scalar_type() &&
         values_BMHK.sizes() == keys_BMHK.sizes() && query_BNHK.size(1) >= kFewestRows &&
         query_BNHK.numel() > 0 && keys_BMHK.numel() > 0;
}

FusedAttentionResult fused_attention_forward(const FusedAttentionCall& call) {
  const Problem problem(call);
  return with_kernel_type(call.query_BNHK.scalar_type(),
                          [&](auto type) { return forward_of<decltype(type)>(problem); });
}

FusedAttentionGradients fused_attention_gradients(const FusedAttentionCall& call,
                                                  const FusedAttentionResult& forward,
                                                  const at::Tensor& out_gradient_BNHK) {
  const Problem problem(call);
  const at::ScalarType dtype = problem.query_BNHK.scalar_type();
  const at::Tensor gradient_BNHK = out_gradient_BNHK.to(dtype).contiguous();
  const Gradients sums = with_kernel_type(dtype, [&](auto type) {
    return backward_of<decltype(type)>(problem, forward, gradient_BNHK);
  });
  FusedAttentionGradients gradients;
  gradients.query_BNHK = sums.query_BNHK;
  gradients.keys_BMHK = sums.keys_BMHK;
  gradients.values_BMHK = sums.values_BMHK;
  if (call.bias_HW.defined()) {
    gradients.bias_HW = sums.bias_BHW.sum(0).to(call.bias_HW.scalar_type());
  }
  if (call.scale_H.defined()) {
    gradients.scale_H =
        (sums.scale_BH.sum(0) * call.scale_H.detach().sign()).to(call.scale_H.scalar_type());
  }
  return gradients;
}

}  // namespace brt
