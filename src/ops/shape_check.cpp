// SPDX-License-Identifier: Apache-2.0
// Messages for tensors of a wrong shape.
#include "ops/shape_check.h"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace brt {

void check_shape(std::string_view op,
                 std::string_view name,
                 const at::Tensor& tensor,
                 std::initializer_list<int64_t> sizes) {
  bool fits = tensor.defined() && tensor.dim() == static_cast<int64_t>(sizes.size());
  int64_t dimension = 0;
  for (const int64_t size : sizes) {
    fits = fits && (size < 0 || tensor.size(dimension) == size);
    ++dimension;
  }
  if (fits) {
    return;
  }
  const std::string got = tensor.defined() ? fmt::format("[{}]", fmt::join(tensor.sizes(), ", "))
                                           : "an undefined tensor";
  std::string wanted;
  for (const int64_t size : sizes) {
    wanted += (wanted.empty() ? "" : ", ") + (size < 0 ? std::string("*") : std::to_string(size));
  }
  throw ShapeError(fmt::format("{}: {} must be [{}], got {}", op, name, wanted, got));
}

}  // namespace brt
