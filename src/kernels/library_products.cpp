// SPDX-License-Identifier: Apache-2.0
// The library's product of each thread.
#include "kernels/library_products.h"

#include "kernels/cpu_target.h"

namespace brt::kernels {
namespace {

thread_local LibraryProduct product_of_thread = nullptr;

}  // namespace

LibraryProducts::LibraryProducts(LibraryProduct product) : before_(product_of_thread) {
  product_of_thread = product;
}

LibraryProducts::~LibraryProducts() { product_of_thread = before_; }

LibraryProduct library_product() { return is_arithmetic_portable() ? nullptr : product_of_thread; }

}  // namespace brt::kernels
