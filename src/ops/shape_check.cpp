// SPDX-License-Identifier: Apache-2.0
// Messages for tensors of a wrong shape, dtype or device.
#include "ops/shape_check.h"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace brt {
namespace {

/// Dense and on one device: kernels take a tensor's memory as it is.
void check_place(std::string_view op,
                 std::string_view name,
                 const at::Tensor& tensor,
                 const at::Tensor& like) {
  if (tensor.layout() != at::kStrided) {
    throw ShapeError(fmt::format("{}: {} must be a dense tensor", op, name));
  }
  if (tensor.device() != like.device()) {
    throw ShapeError(fmt::format("{}: {} must be on the device {}, is on {}", op, name,
                                 like.device().str(), tensor.device().str()));
  }
}

[[noreturn]] void refuse_dtype(std::string_view op,
                               std::string_view name,
                               const at::Tensor& tensor,
                               std::string_view wanted) {
  throw ShapeError(fmt::format("{}: {} must be of {}, got {}", op, name, wanted,
                               c10::toString(tensor.scalar_type())));
}

}  // namespace

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

void check_numbers(std::string_view op,
                   std::string_view name,
                   const at::Tensor& tensor,
                   const at::Tensor& like) {
  if (!tensor.defined()) {
    return;
  }
  check_place(op, name, tensor, like);
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kBFloat16:
    case at::kHalf:
      return;
    default:
      refuse_dtype(op, name, tensor, "float32, float64, bfloat16 or float16");
  }
}

void check_flags(std::string_view op,
                 std::string_view name,
                 const at::Tensor& tensor,
                 const at::Tensor& like) {
  if (!tensor.defined()) {
    return;
  }
  check_place(op, name, tensor, like);
  if (tensor.scalar_type() != at::kBool &&
      !c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/false)) {
    refuse_dtype(op, name, tensor, "bool");
  }
}

}  // namespace brt
