// SPDX-License-Identifier: Apache-2.0
// Updates of AdamW and Adafactor beside rows of tensor operations.
#include <memory>

#include "kernels/comparison.h"
#include "optim/optimizer.h"
#include "optim/plain_update.h"

namespace brt {
namespace {

constexpr double kRate = 1e-3;

/// Both forms move a weight of their own; the first move of each is compared.
Comparison comparison(const std::string& name,
                      OptimizerType type,
                      const std::string& size,
                      const std::vector<int64_t>& sizes) {
  Comparison one;
  one.operation = name + " update";
  one.size = size + "_fp32";
  one.tolerance = tolerance_of(at::kFloat);
  one.make = [type, sizes]() -> std::vector<Form> {
    OptimizerConfig config;
    config.type = type;
    const at::Tensor start = normal(sizes, 1, at::kFloat);
    const at::Tensor gradient = normal(sizes, 2, at::kFloat);
    const auto plain = std::make_shared<PlainUpdate>(config, start);
    const at::Tensor weight = start.clone().requires_grad_();
    weight.mutable_grad() = gradient;
    const std::shared_ptr<Optimizer> optimizer = make_optimizer(config, {{"weight", weight}});
    return {{"tensor operations", forward([plain, gradient] {
               plain->step(gradient, kRate);
               return plain->weight();
             })},
            {"one to three passes", forward([optimizer, weight] {
               optimizer->step(kRate);
               return weight;
             })}};
  };
  return one;
}

std::vector<Comparison> comparisons() {
  return {comparison("adamw", OptimizerType::kAdamw, "4096x1024", {4096, 1024}),
          comparison("adafactor, factored", OptimizerType::kAdafactor, "4096x1024", {4096, 1024}),
          comparison("adafactor, full", OptimizerType::kAdafactor, "4194304", {4194304})};
}

const ComparisonFile kFile(comparisons);

}  // namespace
}  // namespace brt
