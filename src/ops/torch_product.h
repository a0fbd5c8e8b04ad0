// SPDX-License-Identifier: Apache-2.0
// LibTorch's matrix product for kernels that have none of their own for this processor.
#pragma once

#include "kernels/library_products.h"

namespace brt {

/// kernels::LibraryProduct by at::mm, on the calling thread alone.
void torch_product(const kernels::LibraryProductArgs& args);

}  // namespace brt
