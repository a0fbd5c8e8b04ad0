// SPDX-License-Identifier: Apache-2.0
// Chunks of rows; for each, tasks of a few rows (logits, softmax, hidden gradient), then tasks of a
// few entries of the table (embedding gradient).
#include "ops/fused_cross_entropy.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "base/divide_up.h"
#include "ops/cross_entropy_plan.h"
#include "ops/cross_entropy_rows.h"
#include "ops/embedding_gradient.h"
#include "ops/kernel_pointers.h"
#include "ops/packed_table.h"
#include "ops/parallel_chunks.h"
#include "ops/slot_memory.h"

namespace brt {
namespace {

/// T is the type of the products' operands.
template <class T>
void run_pass(const CrossEntropyProblem& problem, const CrossEntropyResults& results) {
  const CrossEntropyPlan plan(problem, results.with_gradient(), sizeof(T));
  const PackedTable<T> table(problem, plan);
  const CrossEntropyChunk<T> chunk(problem, plan);
  const CrossEntropyRows<T> row_tasks(problem, results, plan, table, chunk);
  std::optional<EmbeddingGradient<T>> embedding_gradient;
  if (plan.with_gradient) {
    embedding_gradient.emplace(problem, results, plan, chunk);
  }
  for (int64_t begin = 0; begin < problem.num_rows(); begin += plan.chunk_rows) {
    const int64_t rows = std::min(plan.chunk_rows, problem.num_rows() - begin);
    const int64_t tasks = divide_up(rows, plan.task_rows);
    parallel_tasks(tasks, num_slots(), [&](int64_t task, int64_t slot) {
      const int64_t from = task * plan.task_rows;
      row_tasks.run({begin, from, std::min(plan.task_rows, rows - from)}, slot);
    });
    if (embedding_gradient) {
      embedding_gradient->add(rows, /*is_first=*/begin == 0);
    }
  }
}

void run_pass(const CrossEntropyProblem& problem,
              const CrossEntropyResults& results,
              at::ScalarType dtype) {
  with_kernel_type(dtype, [&](auto type) { run_pass<decltype(type)>(problem, results); });
}

/// A problem that has no rows yet; the tensors are contiguous and must outlive it.
CrossEntropyProblem problem_of(const at::Tensor& hidden_RD,
                               const at::Tensor& embedding_VD,
                               const at::Tensor& target_R) {
  CrossEntropyProblem problem;
  problem.hidden = hidden_RD.const_data_ptr<float>();
  problem.embedding = embedding_VD.const_data_ptr<float>();
  problem.target = target_R.const_data_ptr<int64_t>();
  problem.width = embedding_VD.size(1);
  problem.vocab_size = embedding_VD.size(0);
  return problem;
}

}  // namespace

bool is_cross_entropy_fused(const at::Tensor& hidden_RD,
                            const at::Tensor& embedding_VD,
                            at::ScalarType dtype) {
  return is_float32_for_kernels(hidden_RD) && is_float32_for_kernels(embedding_VD) &&
         hidden_RD.size(1) > 0 && is_for_kernels(dtype);
}

at::Tensor fused_token_losses(const at::Tensor& hidden_RD,
                              const at::Tensor& embedding_VD,
                              const at::Tensor& target_R,
                              at::ScalarType dtype) {
  const at::Tensor nats_R = at::empty({hidden_RD.size(0)}, at::kDouble);
  if (hidden_RD.size(0) == 0) {
    return nats_R.to(at::kFloat);
  }
  const at::Tensor hidden = hidden_RD.contiguous();
  const at::Tensor embedding = embedding_VD.contiguous();
  const at::Tensor target = target_R.contiguous();
  CrossEntropyProblem problem = problem_of(hidden, embedding, target);
  for (int64_t r = 0; r < hidden.size(0); ++r) {
    problem.rows.push_back(r);
  }
  run_pass(problem, {.nats = nats_R.mutable_data_ptr<double>()}, dtype);
  return nats_R.to(at::kFloat);
}

WeightedLoss fused_weighted_loss(const at::Tensor& hidden_RD,
                                 const at::Tensor& embedding_VD,
                                 const at::Tensor& target_R,
                                 const at::Tensor& weight_R,
                                 at::ScalarType dtype,
                                 bool with_gradient) {
  const at::Tensor hidden = hidden_RD.contiguous();
  const at::Tensor embedding = embedding_VD.contiguous();
  const at::Tensor target = target_R.contiguous();
  const at::Tensor weight = weight_R.contiguous();
  CrossEntropyProblem problem = problem_of(hidden, embedding, target);
  problem.weight = weight.const_data_ptr<float>();
  for (int64_t r = 0; r < hidden.size(0); ++r) {
    if (problem.weight[r] != 0.0F) {
      problem.rows.push_back(r);
    }
  }
  std::vector<double> nats(problem.rows.size());
  CrossEntropyResults results{.nats = nats.data()};
  WeightedLoss weighted;
  if (with_gradient) {
    const bool all_rows = static_cast<int64_t>(problem.rows.size()) == hidden.size(0);
    weighted.hidden_gradient_RD =
        all_rows ? at::empty(hidden.sizes(), at::kFloat) : at::zeros(hidden.sizes(), at::kFloat);
    weighted.embedding_gradient_VD = problem.rows.empty()
                                         ? at::zeros(embedding.sizes(), at::kFloat)
                                         : at::empty(embedding.sizes(), at::kFloat);
    results.hidden_gradient = weighted.hidden_gradient_RD.mutable_data_ptr<float>();
    results.embedding_gradient = weighted.embedding_gradient_VD.mutable_data_ptr<float>();
  }
  double loss = 0.0;
  if (!problem.rows.empty()) {
    run_pass(problem, results, dtype);
    for (size_t i = 0; i < nats.size(); ++i) {
      loss += static_cast<double>(problem.weight[problem.rows[i]]) * nats[i];
    }
  }
  weighted.loss = at::empty({}, at::kFloat);
  weighted.loss.fill_(loss);
  return weighted;
}

}  // namespace brt
