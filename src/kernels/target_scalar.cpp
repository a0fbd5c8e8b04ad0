// SPDX-License-Identifier: Apache-2.0
// The kernels of every machine: in the vector extension, compiled for the least that it has.
#include "kernels/int8_matmul-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_kernels-inl.h"
#include "kernels/library_matmul-inl.h"
#include "kernels/library_products.h"

namespace brt::kernels {
namespace {

constexpr KernelTable kOwn = lane_kernels<PlainInt8Micro>();

constexpr const TypedKernels<float>& own(float /*type*/) { return kOwn.of_float; }
constexpr const TypedKernels<Bfloat16>& own(Bfloat16 /*type*/) { return kOwn.of_bfloat16; }

template <class T>
void matmul_by_library_if_any(const MatmulArgs<T>& args) {
  const LibraryProduct product = library_product();
  if (product != nullptr) {
    library_matmul<LaneVector>(args, product);
  } else {
    own(T{}).matmul(args);
  }
}

/// A library's products have the left operand packed.
template <class T>
bool transposed_matmul_unless_by_library(const MatmulArgs<T>& args) {
  return library_product() == nullptr && own(T{}).transposed_matmul(args);
}

}  // namespace

const KernelTable& kernels_scalar() {
  static constexpr KernelTable kTable = [] {
    KernelTable table = kOwn;
    table.of_float.matmul = matmul_by_library_if_any<float>;
    table.of_float.transposed_matmul = transposed_matmul_unless_by_library<float>;
    table.of_bfloat16.matmul = matmul_by_library_if_any<Bfloat16>;
    table.of_bfloat16.transposed_matmul = transposed_matmul_unless_by_library<Bfloat16>;
    return table;
  }();
  return kTable;
}

}  // namespace brt::kernels
