// SPDX-License-Identifier: Apache-2.0
// Dropout masks from seeded generators.
#include "ops/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

namespace brt {

at::Tensor dropout_mask(at::IntArrayRef sizes,
                        double rate,
                        uint64_t seed,
                        const at::TensorOptions& options) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Tensor mask = at::empty(sizes, at::TensorOptions().dtype(at::kFloat));
  mask.bernoulli_(1.0 - rate, generator).mul_(1.0 / (1.0 - rate));
  return mask.to(options);
}

at::Tensor dropout(const at::Tensor& x, double rate, uint64_t seed) {
  return rate == 0.0 ? x : x * dropout_mask(x.sizes(), rate, seed, x.options());
}

}  // namespace brt
