// SPDX-License-Identifier: Apache-2.0
// A weight matrix in the forms that the products of linear maps read.
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

namespace brt {

struct SharedWeights;

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

  /// The group that this weight is the first of, in the current graph (ops/shared_weights.h).
  std::shared_ptr<SharedWeights> shared;

 private:
  /// What the forms were made of.
  struct Source {
    const void* data = nullptr;
    int64_t version = -1;
    at::ScalarType dtype = at::kFloat;

    bool operator==(const Source&) const = default;
  };

  /// Drops the forms of another weight, of an older version or in another type. Both go at once: a
  /// forward pass then does not hold what only the last backward pass needed.
  void keep_only_forms_of(const at::Tensor& weight, at::ScalarType dtype);

  Source source_;
  at::Tensor transposed_;
  at::Tensor straight_;
};

}  // namespace brt
