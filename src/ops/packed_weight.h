// SPDX-License-Identifier: Apache-2.0
// A weight matrix, and the forms of it that the products of projections read.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <ATen/core/Tensor.h>

namespace brt {

class WeightUses;

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

/// A weight [out, in], float32 (float64 in gradient checks), for one use.
struct WeightRef {
  /// Implicit: a weight alone is packed for the call only.
  WeightRef(at::Tensor the_weight,
            std::shared_ptr<PackedWeight> kept_forms = nullptr,
            std::shared_ptr<WeightUses> uses_of_pass = nullptr)
      : weight(std::move(the_weight)),
        packed(std::move(kept_forms)),
        uses(std::move(uses_of_pass)) {}

  at::Tensor weight;
  std::shared_ptr<PackedWeight> packed;  ///< may be null
  /// Of the forward pass (ops/shared_weights.h); null: this use gives a gradient of its own.
  std::shared_ptr<WeightUses> uses;
};

}  // namespace brt
