// SPDX-License-Identifier: Apache-2.0
// Timing with medians, and the steps that are timed.
#include "benchmark/benchmark.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "kernels/cpu_target.h"
#include "ops/compute_dtype.h"
#include "ops/compute_threads.h"
#include "optim/gradient_clipping.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/trainer.h"

namespace brt {
namespace {

/// The product that stands for the machine's speed: large enough for every core, small enough to
/// take milliseconds.
constexpr int64_t kGemmRows = 4096;
constexpr int64_t kGemmWidth = 1024;
constexpr double kGemmFlops = 2.0 * kGemmRows * kGemmWidth * kGemmWidth;

/// A repetition this long is warm after one.
constexpr double kSlowSeconds = 5.0;

std::function<void()> gemm_work() {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kBFloat16);
  const at::Tensor left = at::ones({kGemmRows, kGemmWidth}, options);
  const at::Tensor right = at::ones({kGemmWidth, kGemmWidth}, options);
  return [left, right] {
    const at::NoGradGuard no_gradient;
    const at::Tensor product = at::matmul(left, right);
    if (product[0][0].item<double>() != static_cast<double>(kGemmWidth)) {
      throw Error("bench: the matrix product of ones is wrong");
    }
  };
}

double peak_rss_mib() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;  // given in KiB
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

/// Tokens of one segment of all lanes; another draw for every number.
at::Tensor random_segment(const RunConfig& config, int64_t lanes, uint64_t number) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(
      derive_seed(static_cast<uint64_t>(config.train.seed), "benchmark tokens",
                  {static_cast<int64_t>(number)}));
  return at::empty({lanes, config.model.segment}, at::TensorOptions().dtype(at::kLong))
      .random_(0, config.model.vocab_size, generator);
}

at::Tensor all_lanes_start(int64_t lanes) {
  return at::ones({lanes}, at::TensorOptions().dtype(at::kBool));
}

/// A model in training on random tokens.
class TrainingSteps {
 public:
  explicit TrainingSteps(const RunConfig& config)
      : config_(config), model_(make_benchmark_model(config)) {
    for (const auto& parameter : model_->named_parameters()) {
      parameters_.push_back({parameter.key(), parameter.value()});
    }
    optimizer_ = make_optimizer(config.optimizer, parameters_);
    options_.dtype = compute_dtype(config.train.dtype);
    options_.dropout = config.train.dropout;
    options_.recompute = config.train.recompute;
    carry_ = make_carry(config.model, config.train.lanes, options_.dtype);
  }

  void step() {
    model_->zero_grad();
    options_.dropout_seed = static_cast<uint64_t>(steps_done_);
    const int64_t lanes = config_.train.lanes;
    const int64_t group = lanes / config_.train.accumulation;
    const at::Tensor tokens_BN = random_segment(config_, lanes, 2 * options_.dropout_seed);
    const at::Tensor targets_BN = random_segment(config_, lanes, 2 * options_.dropout_seed + 1);
    std::vector<Carry> carries;
    for (int64_t lane = 0; lane < lanes; lane += group) {
      const at::Tensor starts_B = steps_done_ == 0 ? all_lanes_start(group) : at::Tensor();
      const SegmentOutput output =
          model_->forward(tokens_BN.narrow(0, lane, group), starts_B,
                          slice_lanes(carry_, lane, lane + group), options_);
      const at::Tensor weights_BN =
          at::full({group, config_.model.segment}, 1.0 / static_cast<double>(tokens_BN.numel()),
                   output.hidden_BND.options());
      model_
          ->weighted_loss(output.hidden_BND, targets_BN.narrow(0, lane, group), weights_BN,
                          options_)
          .backward();
      // A copy: the carry may be a view of the whole segment's keys and values.
      carries.push_back(clone(detach(output.carry)));
    }
    const double norm = gradient_norm(parameters_);
    optimizer_->step(learning_rate(config_.optimizer, steps_done_, config_.train.steps),
                     clip_factor(norm, config_.optimizer.clip_norm));
    carry_ = join_lanes(carries);
    ++steps_done_;
  }

 private:
  RunConfig config_;
  LanguageModel model_;
  std::vector<NamedParameter> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  ForwardOptions options_;
  Carry carry_;
  int64_t steps_done_ = 0;
};

/// A model that reads random tokens and measures its losses.
class EvaluationSegments {
 public:
  explicit EvaluationSegments(const RunConfig& config)
      : config_(config), model_(make_benchmark_model(config)) {
    options_.dtype = compute_dtype(config.train.dtype);
    carry_ = make_carry(config.model, config.evaluation.lanes, options_.dtype);
  }

  void read_segment() {
    const at::NoGradGuard no_gradient;
    const int64_t lanes = config_.evaluation.lanes;
    const at::Tensor starts_B = segments_read_ == 0 ? all_lanes_start(lanes) : at::Tensor();
    const SegmentOutput output = model_->forward(random_segment(config_, lanes, 2 * segments_read_),
                                                 starts_B, carry_, options_);
    nats_ += model_
                 ->token_losses(output.hidden_BND,
                                random_segment(config_, lanes, 2 * segments_read_ + 1), options_)
                 .sum()
                 .item<double>();
    carry_ = output.carry;
    ++segments_read_;
  }

 private:
  RunConfig config_;
  LanguageModel model_;
  ForwardOptions options_;
  Carry carry_;
  uint64_t segments_read_ = 0;
  double nats_ = 0.0;
};

}  // namespace

double seconds_of(const std::function<void()>& work) {
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double quantile(std::vector<double> values, double fraction) {
  std::ranges::sort(values);
  const double rank = fraction * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (rank - static_cast<double>(below));
}

BenchmarkResult run_benchmark(const BenchmarkWork& work, int64_t repetitions) {
  if (repetitions < 1) {
    throw Error(fmt::format("bench: repetitions must be at least 1, got {}", repetitions));
  }
  const std::function<void()> gemm = gemm_work();
  gemm();  // allocations, first pages, threads
  if (seconds_of(work.repeat) < kSlowSeconds) {
    gemm();
    work.repeat();
  }
  std::vector<double> gemm_seconds;
  std::vector<double> seconds;
  for (int64_t i = 0; i < repetitions; ++i) {
    share_cores();
    gemm_seconds.push_back(seconds_of(gemm));
    if (work.between) {
      work.between();
    }
    seconds.push_back(seconds_of(work.repeat));
  }
  const double steps = static_cast<double>(work.steps);
  const double median = quantile(seconds, 0.5);
  BenchmarkResult result;
  result.repetitions = repetitions;
  result.tokens_per_second = steps * static_cast<double>(work.tokens_per_step) / median;
  for (const double time : seconds) {
    result.tokens_per_second_each.push_back(steps * static_cast<double>(work.tokens_per_step) /
                                            time);
  }
  result.spread = (quantile(seconds, 0.75) - quantile(seconds, 0.25)) / median;
  result.step_ms = 1000.0 * median / steps;
  result.peak_rss_mib = peak_rss_mib();
  result.flops_per_token = work.flops_per_token;
  result.flops_per_second = work.flops_per_token * result.tokens_per_second;
  result.gemm_flops_per_second = kGemmFlops / quantile(gemm_seconds, 0.5);
  result.share_of_gemm_peak = result.flops_per_second / result.gemm_flops_per_second;
  result.cpu = cpu_name();
  result.kernel_target = kernels::to_word(kernels::cpu_target());
  result.threads = compute_threads();
  return result;
}

LanguageModel make_benchmark_model(const RunConfig& config) {
  LanguageModel model(config.model);
  initialize(model, static_cast<uint64_t>(config.train.seed));
  return model;
}

BenchmarkWork training_work(const RunConfig& config) {
  const std::shared_ptr<TrainingSteps> steps = std::make_shared<TrainingSteps>(config);
  BenchmarkWork work;
  work.repeat = [steps] { steps->step(); };
  work.tokens_per_step = config.train.lanes * config.model.segment;
  work.flops_per_token = 3.0 * forward_flops_per_token(config.model);
  return work;
}

BenchmarkWork evaluation_work(const RunConfig& config) {
  const std::shared_ptr<EvaluationSegments> segments = std::make_shared<EvaluationSegments>(config);
  BenchmarkWork work;
  work.repeat = [segments] { segments->read_segment(); };
  work.tokens_per_step = config.evaluation.lanes * config.model.segment;
  work.flops_per_token = forward_flops_per_token(config.model);
  return work;
}

std::string benchmark_to_json(const BenchmarkResult& result,
                              const std::string& mode,
                              const std::string& dtype,
                              const std::vector<std::pair<std::string, double>>& more) {
  nlohmann::ordered_json json = {
      {"mode", mode},
      {"tokens_per_second", result.tokens_per_second},
      {"tokens_per_second_each", result.tokens_per_second_each},
      {"spread", result.spread},
      {"spread_is", "interquartile range of the step times / their median"},
      {"repetitions", result.repetitions},
      {"step_ms", result.step_ms},
      {"peak_rss_mib", result.peak_rss_mib},
      {"flops_per_token", result.flops_per_token},
      {"flops_per_second", result.flops_per_second},
      {"gemm_flops_per_second", result.gemm_flops_per_second},
      {"share_of_gemm_peak", result.share_of_gemm_peak},
      {"cpu", result.cpu},
      {"kernel_target", result.kernel_target},
      {"threads", result.threads},
      {"dtype", dtype}};
  for (const auto& [name, value] : more) {
    json[name] = value;
  }
  return json.dump();
}

}  // namespace brt
