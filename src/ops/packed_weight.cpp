// SPDX-License-Identifier: Apache-2.0
// Packing of weights, when they have changed.
#include "ops/packed_weight.h"

#include <ATen/ops/empty.h>

#include "kernels/panels.h"
#include "ops/kernel_pointers.h"
#include "ops/parallel_chunks.h"

namespace brt {
namespace {

enum class Direction { kTransposed, kStraight };

template <class T>
at::Tensor pack(const at::Tensor& weight, Direction direction, at::ScalarType dtype) {
  const at::Tensor source = weight.detach().contiguous();
  const bool transposed = direction == Direction::kTransposed;
  kernels::PackArgs<float, T> args;
  args.source = source.const_data_ptr<float>();
  args.source_stride = source.size(1);
  args.depth = source.size(transposed ? 1 : 0);
  args.columns = source.size(transposed ? 0 : 1);
  const int64_t panels = kernels::num_panels(args.columns);
  at::Tensor packed = at::empty({panels, kernels::panel_size(args.depth, args.panels)},
                                source.options().dtype(dtype));
  args.panels = mutable_pointer<T>(packed);
  parallel_chunks(panels, [&](int64_t panel) {
    if (transposed) {
      kernels::pack_columns(args, panel, panel + 1);
    } else {
      kernels::pack_rows(args, panel, panel + 1);
    }
  });
  return packed;
}

at::Tensor pack(const at::Tensor& weight, Direction direction, at::ScalarType dtype) {
  return with_kernel_type(
      dtype, [&](auto type) { return pack<decltype(type)>(weight, direction, dtype); });
}

int64_t version_of(const at::Tensor& weight) {
  return weight.is_inference() ? 0 : static_cast<int64_t>(weight._version());
}

}  // namespace

const at::Tensor& PackedWeight::transposed(const at::Tensor& weight, at::ScalarType dtype) {
  keep_only_forms_of(weight, dtype);
  if (!transposed_.defined()) {
    transposed_ = pack(weight, Direction::kTransposed, dtype);
  }
  return transposed_;
}

const at::Tensor& PackedWeight::straight(const at::Tensor& weight, at::ScalarType dtype) {
  keep_only_forms_of(weight, dtype);
  if (!straight_.defined()) {
    straight_ = pack(weight, Direction::kStraight, dtype);
  }
  return straight_;
}

void PackedWeight::keep_only_forms_of(const at::Tensor& weight, at::ScalarType dtype) {
  const Source source = {weight.const_data_ptr(), version_of(weight), dtype};
  if (source != source_) {
    transposed_.reset();
    straight_.reset();
    source_ = source;
  }
}

}  // namespace brt
