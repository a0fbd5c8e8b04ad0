// SPDX-License-Identifier: Apache-2.0
// brt bench: how fast this machine trains, evaluates or decodes a model, on random tokens.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ATen/Parallel.h>

#include "config/enum_text.h"
#include "config/run_config.h"
#include "generate/sampler.h"
#include "generate/stream.h"
#include "number_checks.h"
#include "train/benchmark.h"
#include "train/trainer.h"
#include "verbs.h"

namespace brt {
namespace {

struct BenchArguments {
  std::string mode;
  std::string config_file;
  std::vector<std::string> overrides;
  int64_t steps = 9;
  bool json = false;
};

constexpr int64_t kDefaultVocabSize = 4096;

/// What is measured without --config.
constexpr const char* kDefaultRecipe = R"([model]
preset = "rec-fixed-skip"
size = "small"

[train]
lanes = 4
dtype = "bf16"

[optimizer]
type = "adamw"
rate = 2e-3
schedule = "constant"

[evaluation]
lanes = 4
)";

constexpr const char* kExamples = R"(examples:
  brt bench train
      training steps of rec-fixed-skip, size small, in bf16
  brt bench eval --config recipes/medium.toml --json
      a recipe's model, without data; one JSON object on stdout
  brt bench decode --set model.size=tiny --set train.dtype=fp32 --steps 20
      one token at a time, always the most likely one

train: forward, backward and update of train.lanes lanes. eval: forward and losses of
evaluation.lanes lanes. decode: one stream, a window of tokens a repetition; step_ms is one token.
Numbers are medians over the repetitions; spread is the interquartile range of the times, as a part
of their median. share_of_gemm_peak compares with a bf16 matrix product [4096, 1024] [1024, 1024]
that is timed between the repetitions.)";

RunConfig load_config(const BenchArguments& arguments) {
  RunConfig config =
      arguments.config_file.empty()
          ? parse_run_config(kDefaultRecipe, "settings of bench", arguments.overrides)
          : load_run_config(arguments.config_file, arguments.overrides);
  if (config.model.vocab_size == 0) {
    config.model.vocab_size = kDefaultVocabSize;
  }
  return config;
}

/// One stream that always goes on with its most likely token.
BenchmarkWork decoding_work(const RunConfig& config) {
  ForwardOptions options;
  options.dtype = compute_dtype(config.train.dtype);
  SamplerOptions greedy;
  greedy.temperature = 0.0;
  const std::shared_ptr<Stream> stream =
      std::make_shared<Stream>(make_benchmark_model(config), options);
  const std::shared_ptr<Sampler> sampler = std::make_shared<Sampler>(greedy);
  BenchmarkWork work;
  work.steps = config.model.window;  // so that every repetition holds one update of the state
  work.tokens_per_step = 1;
  work.flops_per_token = forward_flops_per_token(config.model);
  work.repeat = [stream, sampler, steps = work.steps] {
    for (int64_t i = 0; i < steps; ++i) {
      std::array<int32_t, 1> token = {0};
      if (stream->tokens_read() > 0) {
        token[0] = sampler->sample(stream->logits(), {}, stream->tokens_read());
      }
      stream->feed(token, {});
    }
  };
  return work;
}

BenchmarkWork make_work(const std::string& mode, const RunConfig& config) {
  if (mode == "train") {
    return training_work(config);
  }
  if (mode == "eval") {
    return evaluation_work(config);
  }
  return decoding_work(config);
}

void print_table(const BenchmarkResult& result,
                 const BenchArguments& arguments,
                 const RunConfig& config) {
  fmt::print("mode                {}\n", arguments.mode);
  fmt::print("tokens per second   {:.1f}  (spread {:.1f} %, {} repetitions)\n",
             result.tokens_per_second, 100.0 * result.spread, result.repetitions);
  fmt::print("step                {:.3f} ms\n", result.step_ms);
  fmt::print("peak memory         {:.0f} MiB\n", result.peak_rss_mib);
  fmt::print("FLOPs per token     {:.4g}\n", result.flops_per_token);
  fmt::print("FLOPs per second    {:.4g}\n", result.flops_per_second);
  fmt::print("matrix product      {:.4g} FLOPs per second in bf16\n", result.gemm_flops_per_second);
  fmt::print("share of its speed  {:.1f} %\n", 100.0 * result.share_of_gemm_peak);
  fmt::print("CPU                 {}\n", result.cpu);
  fmt::print("kernel target       {}\n", result.kernel_target);
  fmt::print("threads             {}\n", result.threads);
  fmt::print("dtype               {}\n", to_word(config.train.dtype));
}

void run_bench(const BenchArguments& arguments) {
  const RunConfig config = load_config(arguments);
  if (config.train.threads > 0) {
    at::set_num_threads(static_cast<int>(config.train.threads));
  }
  const BenchmarkResult result = run_benchmark(make_work(arguments.mode, config), arguments.steps);
  if (arguments.json) {
    fmt::print("{}\n", benchmark_to_json(result, arguments.mode, to_word(config.train.dtype)));
  } else {
    print_table(result, arguments, config);
  }
}

}  // namespace

void add_bench_verb(CLI::App& app) {
  CLI::App* verb =
      app.add_subcommand("bench", "Measure the speed of training, evaluation or decoding.");
  const std::shared_ptr<BenchArguments> arguments = std::make_shared<BenchArguments>();
  verb->add_option("mode", arguments->mode, "what is measured: train, eval, decode")
      ->required()
      ->check(CLI::IsMember({"train", "eval", "decode"}));
  verb->add_option("--config", arguments->config_file,
                   "recipe (TOML); without one: rec-fixed-skip, size small");
  verb->add_option("--set", arguments->overrides,
                   "change a setting: section.key=value; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--steps", arguments->steps, "timed repetitions")
      ->check(whole_number(1, int64_t{1} << 20))
      ->capture_default_str();
  verb->add_flag("--json", arguments->json, "one JSON object on stdout");
  verb->footer(kExamples);
  verb->callback([arguments] { run_bench(*arguments); });
}

}  // namespace brt
