// SPDX-License-Identifier: Apache-2.0
// Rotary positions in plain ATen.
#include "ops/rotary.h"

#include <vector>

#include <fmt/format.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include "base/error.h"
#include "config/rotary_frequency.h"
#include "ops/shape_check.h"
#include "ops/wide_dtype.h"

namespace brt {

at::Tensor rotary(const at::Tensor& x_BNHK, int64_t first_position) {
  check_shape("rotary", "x_BNHK", x_BNHK, {-1, -1, -1, -1});
  const int64_t head_size = x_BNHK.size(3);
  if (head_size % 2 != 0) {
    throw ShapeError(fmt::format("rotary: head size must be even, got {}", head_size));
  }
  const at::TensorOptions float64 = at::TensorOptions().dtype(at::kDouble).device(x_BNHK.device());
  std::vector<double> frequencies;
  for (int64_t j = 0; j < head_size / 2; ++j) {
    frequencies.push_back(rotary_frequency(j, head_size));
  }
  const at::Tensor frequency = at::tensor(frequencies, at::kDouble).to(x_BNHK.device());
  const at::Tensor position = at::arange(first_position, first_position + x_BNHK.size(1), float64);
  const at::ScalarType wide = wide_dtype(x_BNHK.scalar_type());
  const at::Tensor angle = (position.unsqueeze(1) * frequency).unsqueeze(1);  // [N, 1, K/2]
  const at::Tensor cosine = angle.cos().to(wide);
  const at::Tensor sine = angle.sin().to(wide);
  const at::Tensor first = x_BNHK.narrow(3, 0, head_size / 2).to(wide);
  const at::Tensor second = x_BNHK.narrow(3, head_size / 2, head_size / 2).to(wide);
  return at::cat({first * cosine - second * sine, first * sine + second * cosine}, 3)
      .to(x_BNHK.scalar_type());
}

}  // namespace brt
