// SPDX-License-Identifier: Apache-2.0
// A weight matrix in the forms that the products of linear maps read.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace brt {

/// Panels (kernels/panels.h) of a float32 weight [out, in], cast to the compute dtype; made when
/// first asked for, and again when the weight has changed since. Derived from the weight alone, so
/// that keeping it changes no result. Not for use by several threads at once.
class PackedWeight {
 public:
  /// The transpose [in, out] as right operand: y = x weight^T.
  /// @param dtype  kFloat or kBFloat16
  const at::Tensor& transposed(const at::Tensor& weight, at::ScalarType dtype);

  /// The weight [out, in] itself as right operand: the gradient of x.
  const at::Tensor& straight(const at::Tensor& weight, at::ScalarType dtype);

 private:
  struct Form {
    at::Tensor panels;
    const void* data = nullptr;  ///< of the weight when it was packed
    int64_t version = -1;        ///< as `data`

    bool is_of(const at::Tensor& weight, at::ScalarType dtype) const;
  };
  Form transposed_;
  Form straight_;
};

}  // namespace brt
