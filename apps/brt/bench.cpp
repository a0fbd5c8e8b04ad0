// SPDX-License-Identifier: Apache-2.0
// brt bench: how fast this machine trains, evaluates or decodes a model, on random tokens.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "bench_engine.h"
#include "benchmark/benchmark.h"
#include "benchmark/document_benchmark.h"
#include "config/enum_text.h"
#include "config/override_notes.h"
#include "number_checks.h"
#include "ops/compute_dtype.h"
#include "ops/compute_threads.h"
#include "target_warning.h"
#include "verbs.h"

namespace brt {
namespace {

struct BenchArguments {
  std::string mode;
  std::string config_file;
  std::vector<std::string> overrides;
  int64_t steps = 9;
  int64_t document_tokens = 0;
  EngineBenchOptions engine;
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
  brt bench decode --set model.size=medium --weights int8
      one token at a time, always the most likely one
  brt bench read --streams 4
      four prompts at once
  brt bench eval --document-tokens 1000000
      whether the end of a long document is read as fast as its beginning

train: forward, backward and update of train.lanes lanes. eval: forward and losses of
evaluation.lanes lanes. decode: a window of tokens of each stream a repetition; a step is one token
of each. read: a segment of each stream a repetition. Both run the streaming engine.
share_of_weight_limit compares the steps per second with how often a second a buffer as large as
the weights can be read.
With --document-tokens eval reads one document with one lane; its last tenth alternates with the
first tenth of a second document, so that both see the same machine.
Numbers are medians over the repetitions; spread is the interquartile range of the times, as a part
of their median. share_of_gemm_peak compares with a bf16 matrix product [4096, 1024] [1024, 1024]
that is timed between the repetitions.)";

RunConfig load_config(const BenchArguments& arguments) {
  std::vector<std::string> notes;
  RunConfig config =
      arguments.config_file.empty()
          ? parse_run_config(kDefaultRecipe, "settings of bench", arguments.overrides, notes)
          : load_run_config(arguments.config_file, arguments.overrides, notes);
  for (const std::string& note : notes) {
    spdlog::info("{}", note);
  }
  config.train.dtype = resolved_dtype(config.train.dtype);
  warn_of_scalar_target();
  if (config.model.vocab_size == 0) {
    config.model.vocab_size = kDefaultVocabSize;
  }
  return config;
}

void print_table(const BenchmarkResult& result, const std::string& mode, const std::string& dtype) {
  fmt::print("mode                {}\n", mode);
  fmt::print("tokens per second   {:.1f}  (spread {:.1f} %, {} repetitions)\n",
             result.tokens_per_second, 100.0 * result.spread, result.repetitions);
  fmt::print("step                {:.3f} ms\n", result.step_ms);
  fmt::print("peak memory         {:.0f} MiB\n", result.peak_rss_mib);
  fmt::print("FLOPs per token     {:.4g}\n", result.flops_per_token);
  fmt::print("FLOPs per second    {:.4g}\n", result.flops_per_second);
  fmt::print("matrix product      {:.4g} FLOPs per second in bf16\n", result.gemm_flops_per_second);
  fmt::print("share of its speed  {:.1f} %\n", 100.0 * result.share_of_gemm_peak);
  fmt::print("CPU                 {}\n", result.cpu);
  fmt::print("CPU target          {}\n", result.kernel_target);
  fmt::print("threads             {}\n", result.threads);
  fmt::print("dtype               {}\n", dtype);
}

void print_engine_figures(const EngineFigures& figures) {
  fmt::print("steps               p50 {:.3f}, p99 {:.3f}, longest {:.3f} ms\n", figures.p50_ms,
             figures.p99_ms, figures.longest_ms);
  fmt::print("weights             {:.1f} MB a step\n", figures.weight_bytes / 1e6);
  fmt::print("read bandwidth      {:.1f} GB/s\n", figures.bytes_per_second / 1e9);
  fmt::print("weight limit        {:.1f} steps per second\n", figures.limit);
  fmt::print("share of the limit  {:.1f} %\n", 100.0 * figures.share_of_limit);
}

void run_engine_bench(const BenchArguments& arguments, const RunConfig& config) {
  EngineBench bench(config, arguments.engine);
  BenchmarkResult result = run_benchmark(
      arguments.mode == "decode" ? bench.decoding() : bench.reading(), arguments.steps);
  result.threads = bench.engine().threads();
  const EngineFigures figures = bench.figures(result);
  if (arguments.json) {
    fmt::print("{}\n",
               benchmark_to_json(result, arguments.mode, arguments.engine.weights,
                                 {{"streams", static_cast<double>(arguments.engine.streams)},
                                  {"p50_ms", figures.p50_ms},
                                  {"p99_ms", figures.p99_ms},
                                  {"longest_ms", figures.longest_ms},
                                  {"weight_bytes", figures.weight_bytes},
                                  {"read_bytes_per_second", figures.bytes_per_second},
                                  {"weight_limit_steps_per_second", figures.limit},
                                  {"share_of_weight_limit", figures.share_of_limit}}));
  } else {
    print_table(result, arguments.mode, arguments.engine.weights);
    print_engine_figures(figures);
  }
}

void run_document_bench(const BenchArguments& arguments, const RunConfig& config) {
  const DocumentBenchmark result = run_document_benchmark(config, arguments.document_tokens);
  if (arguments.json) {
    fmt::print("{}\n", document_benchmark_to_json(result));
    return;
  }
  fmt::print("document            {} tokens\n", result.tokens);
  fmt::print("first tenth         {:.1f} tokens per second\n", result.first_tenth);
  fmt::print("last tenth          {:.1f} tokens per second\n", result.last_tenth);
  fmt::print("fresh document      {:.1f} tokens per second, segments in turn with the last tenth\n",
             result.first_beside_last);
  fmt::print("last by fresh       {:.1f} %\n", 100.0 * result.last_by_first());
  fmt::print("memory growth       {:.2f} MiB\n", result.memory_growth_mib);
}

void run_bench(const BenchArguments& arguments) {
  const RunConfig config = load_config(arguments);
  if (arguments.document_tokens > 0 && arguments.mode != "eval") {
    throw ConfigError("--document-tokens is for bench eval only");
  }
  set_compute_threads(config.train.threads);
  if (arguments.mode == "decode" || arguments.mode == "read") {
    run_engine_bench(arguments, config);
    return;
  }
  if (arguments.document_tokens > 0) {
    run_document_bench(arguments, config);
    return;
  }
  const BenchmarkResult result = run_benchmark(
      arguments.mode == "train" ? training_work(config) : evaluation_work(config), arguments.steps);
  const std::string dtype = to_word(config.train.dtype);
  if (arguments.json) {
    fmt::print("{}\n", benchmark_to_json(result, arguments.mode, dtype));
  } else {
    print_table(result, arguments.mode, dtype);
  }
}

}  // namespace

void add_bench_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "bench", "Measure the speed of training, evaluation, decoding or prefill.");
  const std::shared_ptr<BenchArguments> arguments = std::make_shared<BenchArguments>();
  verb->add_option("mode", arguments->mode, "what is measured: train, eval, decode, read (prefill)")
      ->required()
      ->check(CLI::IsMember({"train", "eval", "decode", "read"}));
  verb->add_option("--config", arguments->config_file,
                   "recipe (TOML); without one: rec-fixed-skip, size small");
  verb->add_option("--set", arguments->overrides,
                   "change a setting: section.key=value; may be repeated")
      ->allow_extra_args(false);
  CLI::Option* steps = verb->add_option("--steps", arguments->steps, "timed repetitions")
                           ->check(whole_number(1, int64_t{1} << 20))
                           ->capture_default_str();
  verb->add_option("--document-tokens", arguments->document_tokens,
                   "eval: compare the ends of one document of so many tokens")
      ->check(whole_number(1, int64_t{1} << 40))
      ->excludes(steps);
  verb->add_option("--streams", arguments->engine.streams, "decode, read: streams side by side")
      ->check(whole_number(1, 4096))
      ->capture_default_str();
  verb->add_option("--weights", arguments->engine.weights, "decode, read: format of the weights")
      ->check(CLI::IsMember({"fp32", "bf16", "int8"}))
      ->capture_default_str();
  verb->add_option("--threads", arguments->engine.threads, "decode, read: 0 for all cores")
      ->check(whole_number(0, 1024))
      ->capture_default_str();
  verb->add_flag("--json", arguments->json, "one JSON object on stdout");
  verb->footer(kExamples);
  verb->callback([arguments] { run_bench(*arguments); });
}

}  // namespace brt
