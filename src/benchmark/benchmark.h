// SPDX-License-Identifier: Apache-2.0
// Speed of training, evaluation or any other repeated work, beside the machine's own matrix
// product.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "config/run_config.h"
#include "model/language_model.h"

namespace brt {

/// Work whose speed is measured.
struct BenchmarkWork {
  std::function<void()> repeat;        ///< does `steps` steps
  int64_t steps = 1;                   ///< of one repetition
  int64_t tokens_per_step = 0;         ///< of all lanes
  double flops_per_token = 0.0;        ///< matrix products, see forward_flops_per_token
  std::function<void()> between = {};  ///< called before each timed repetition, if set
};

/// What `brt bench` prints. Times are medians over the repetitions.
struct BenchmarkResult {
  int64_t repetitions = 0;
  double tokens_per_second = 0.0;
  std::vector<double> tokens_per_second_each;  ///< of every repetition, in order
  double spread = 0.0;  ///< (third quartile - first quartile) / median of the times
  double step_ms = 0.0;
  double peak_rss_mib = 0.0;  ///< of the process so far
  double flops_per_token = 0.0;
  double flops_per_second = 0.0;
  double gemm_flops_per_second = 0.0;  ///< of a bfloat16 product [4096, 1024] [1024, 1024]
  double share_of_gemm_peak = 0.0;     ///< flops_per_second / gemm_flops_per_second
  std::string cpu;
  std::string kernel_target;  ///< of our kernels: kernels/cpu_target.h
  int64_t threads = 0;
};

/// How long it takes, in seconds.
double seconds_of(const std::function<void()>& work);

/// Value at a fraction of the sorted list, between neighbours by their distance.
double quantile(std::vector<double> values, double fraction);

/// Runs the work once or twice to warm caches, then `repetitions` times, each beside one matrix
/// product of the reference size, so that both see the same machine. @throws Error below 1.
BenchmarkResult run_benchmark(const BenchmarkWork& work, int64_t repetitions);

/// A model with first values. @param config  vocab_size set
LanguageModel make_benchmark_model(const RunConfig& config);

/// Training steps of `config` on random tokens: forward, backward and update over train.lanes lanes
/// in train.accumulation groups, with what is carried from step to step.
BenchmarkWork training_work(const RunConfig& config);

/// Segments of evaluation.lanes lanes on random tokens: forward and losses, without gradients, with
/// cache and state carried.
BenchmarkWork evaluation_work(const RunConfig& config);

/// One object with the fields of the result, for `mode` ("train", ...) and dtype ("fp32", "bf16",
/// "int8"), then more numbers by name.
std::string benchmark_to_json(const BenchmarkResult& result,
                              const std::string& mode,
                              const std::string& dtype,
                              const std::vector<std::pair<std::string, double>>& more = {});

}  // namespace brt
