// SPDX-License-Identifier: Apache-2.0
// at::mm on the kernels' memory.
#include "ops/torch_product.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

// Of Intel's MKL, where LibTorch has it: so many threads for the calling thread's products, and how
// many there were. LibTorch's setting holds for a thread of a parallel region too, and then the
// order of a sum depends on it.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" [[gnu::weak]] int MKL_Set_Num_Threads_Local(int threads);

namespace brt {
namespace {

class OneThread {
 public:
  OneThread() : before_(set(1)) {}
  ~OneThread() { set(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  static int set(int threads) {
    return MKL_Set_Num_Threads_Local != nullptr ? MKL_Set_Num_Threads_Local(threads) : 0;
  }
  int before_;
};

at::Tensor matrix(const float* data, at::IntArrayRef sizes, at::IntArrayRef strides) {
  return at::from_blob(const_cast<float*>(data), sizes, strides, at::kFloat);
}

}  // namespace

void torch_product(const kernels::LibraryProductArgs& args) {
  const OneThread one_thread;
  const at::AutoDispatchBelowADInplaceOrView no_gradients;
  const at::Tensor left_RD =
      matrix(args.left, {args.rows, args.depth}, {args.left_row_stride, args.left_depth_stride});
  const at::Tensor right_DC =
      matrix(args.right, {args.depth, args.columns}, {args.right_stride, 1});
  at::Tensor out_RC = matrix(args.out, {args.rows, args.columns}, {args.out_stride, 1});
  if (args.adds) {
    at::addmm_out(out_RC, out_RC, left_RD, right_DC);
  } else {
    at::mm_out(out_RC, left_RD, right_DC);
  }
}

}  // namespace brt
