// SPDX-License-Identifier: Apache-2.0
// What comparisons are made of, and the program: Google Benchmark runs the forms in random turns,
// a table tells their medians.
//
//   kernels_bench --benchmark_filter=window_attention --benchmark_out=results.json
#include "kernels/comparison.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include "kernels/cpu_target.h"

namespace brt {
namespace {

std::vector<std::vector<Comparison> (*)()>& files() {
  static std::vector<std::vector<Comparison> (*)()> all;
  return all;
}

/// Whether the results agree; throws with the difference where they do not.
void check(const Comparison& comparison,
           const Form& form,
           const Tensors& got,
           const Tensors& want) {
  for (size_t i = 0; i < want.size(); ++i) {
    const at::Tensor wide = want[i].to(at::kDouble);
    const double largest = wide.abs().max().item<double>();
    const double error = (got.at(i).to(at::kDouble) - wide).abs().max().item<double>();
    if (!(error <= comparison.tolerance * largest)) {
      throw std::runtime_error(
          fmt::format("result {} of {} differs by {:.1e} from the plain form, whose greatest "
                      "value is {:.1e}; {:.0e} of it are allowed",
                      i, form.name, error, largest, comparison.tolerance));
    }
  }
}

/// The forms of a comparison, made and compared when first asked for.
class LazyForms {
 public:
  explicit LazyForms(Comparison comparison) : comparison_(std::move(comparison)) {}

  const Form& form(size_t index) {
    if (forms_.empty()) {
      forms_ = comparison_.make();
      const Tensors want = forms_.front().run();
      for (size_t i = 1; i < forms_.size(); ++i) {
        check(comparison_, forms_[i], forms_[i].run(), want);
      }
    }
    return forms_.at(index);
  }
  const Comparison& comparison() const { return comparison_; }

 private:
  Comparison comparison_;
  std::vector<Form> forms_;
};

constexpr const char* kPlain = "plain";
constexpr const char* kBrt = "brt";

void time_form(benchmark::State& state, LazyForms& forms, size_t index) {
  try {
    const Form& form = forms.form(index);
    for (auto _ : state) {
      benchmark::DoNotOptimize(form.run());
    }
    if (forms.comparison().operations > 0) {
      state.counters["FLOP/s"] = benchmark::Counter(forms.comparison().operations,
                                                    benchmark::Counter::kIsIterationInvariantRate);
    }
    state.SetLabel(form.name);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void register_comparisons() {
  for (const auto& file : files()) {
    for (Comparison& comparison : file()) {
      const std::string name = comparison.operation + "/" + comparison.size + "/";
      const auto forms = std::make_shared<LazyForms>(std::move(comparison));
      for (const size_t index : {size_t{0}, size_t{1}}) {
        benchmark::RegisterBenchmark(
            (name + (index == 0 ? kPlain : kBrt)).c_str(),
            [forms, index](benchmark::State& state) { time_form(state, *forms, index); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
    }
  }
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown CPU";
}

/// Repetitions of one form.
struct Times {
  std::vector<double> milliseconds;
  double operations_per_second = 0;  ///< of the last repetition
  std::string form;

  double at(double fraction) {
    std::ranges::sort(milliseconds);
    return milliseconds[static_cast<size_t>(fraction *
                                            static_cast<double>(milliseconds.size() - 1))];
  }
  /// Half of the distance between the quartiles, in percent of the median.
  double spread() { return 50.0 * (at(0.75) - at(0.25)) / at(0.5); }
};

/// One line per comparison: medians, spreads, and how many times faster ours is.
class Table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override {
    fmt::print("{}, {} threads, CPU target {}, LibTorch {}\n", cpu_name(), at::get_num_threads(),
               kernels::to_word(kernels::cpu_target()), TORCH_VERSION);
    fmt::print(
        "medians of repetitions in random turns; +-: half of the distance between quartiles\n");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const std::string& name = run.run_name.function_name;
      const size_t slash = name.rfind('/');
      const std::string line = name.substr(0, slash);
      if (run.error_occurred) {
        errors_[line] = run.error_message;
      } else if (run.run_type == Run::RT_Iteration) {
        Times& times = lines_[line][name.substr(slash + 1)];
        times.milliseconds.push_back(run.GetAdjustedRealTime());
        times.form = run.report_label;
        const auto rate = run.counters.find("FLOP/s");
        times.operations_per_second = rate == run.counters.end() ? 0.0 : rate->second.value;
      }
    }
  }

  void Finalize() override {
    fmt::print("{:<34} {:<28} {:>18} {:>18} {:>7} {:>9}\n", "operation", "size", "plain ms",
               "brt ms", "times", "GFLOP/s");
    for (auto& [line, forms] : lines_) {
      print_line(line, forms);
    }
    for (const auto& [line, message] : errors_) {
      fmt::print("{}: {}\n", line, message);
    }
  }

  bool has_errors() const { return !errors_.empty(); }

 private:
  std::map<std::string, std::map<std::string, Times>> lines_;
  std::map<std::string, std::string> errors_;

  static std::string cell(Times& times) {
    return times.milliseconds.empty()
               ? std::string("-")
               : fmt::format("{:.3f} +- {:>2.0f} %", times.at(0.5), times.spread());
  }
  static void print_line(const std::string& line, std::map<std::string, Times>& forms) {
    Times& plain = forms[kPlain];
    Times& ours = forms[kBrt];
    const size_t slash = line.find('/');
    std::string times = "-";
    if (!plain.milliseconds.empty() && !ours.milliseconds.empty()) {
      times = fmt::format("{:.2f}", plain.at(0.5) / ours.at(0.5));
    }
    const double speed = ours.operations_per_second / 1e9;
    fmt::print("{:<34} {:<28} {:>18} {:>18} {:>7} {:>9}\n", line.substr(0, slash),
               line.substr(slash + 1), cell(plain), cell(ours), times,
               speed > 0 ? fmt::format("{:.0f}", speed) : "-");
  }
};

int run(int argc, char** argv) {
  std::vector<std::string> words = {"--benchmark_repetitions=9",
                                    "--benchmark_enable_random_interleaving=true",
                                    "--benchmark_min_time=0.02"};
  std::vector<char*> arguments = {argv[0]};
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    return 2;
  }
  register_comparisons();
  Table table;
  benchmark::RunSpecifiedBenchmarks(&table);
  return table.has_errors() ? 1 : 0;
}

}  // namespace

ComparisonFile::ComparisonFile(std::vector<Comparison> (*comparisons)()) {
  files().push_back(comparisons);
}

at::Tensor normal(at::IntArrayRef sizes, uint64_t seed, at::ScalarType dtype) {
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(sizes, generator, at::TensorOptions(at::kFloat)).to(dtype);
}

at::Tensor leaf(at::IntArrayRef sizes, uint64_t seed, at::ScalarType dtype) {
  return normal(sizes, seed, dtype).requires_grad_();
}

std::string to_word(at::ScalarType dtype) { return dtype == at::kFloat ? "fp32" : "bf16"; }

double tolerance_of(at::ScalarType dtype) { return dtype == at::kFloat ? 1e-4 : 4e-2; }

std::vector<Form> reference_and_fused(const std::function<at::Tensor()>& reference,
                                      const std::function<at::Tensor()>& fused,
                                      const Tensors& inputs,
                                      const at::Tensor& out_gradient) {
  if (!out_gradient.defined()) {
    return {{"reference", forward(reference)}, {"fused", forward(fused)}};
  }
  return {{"reference", forward_and_backward(reference, inputs, out_gradient)},
          {"fused", forward_and_backward(fused, inputs, out_gradient)}};
}

std::function<Tensors()> forward(std::function<at::Tensor()> function) {
  return [function = std::move(function)]() -> Tensors {
    const at::NoGradGuard no_gradient;
    return {function()};
  };
}

std::function<Tensors()> forward_and_backward(std::function<at::Tensor()> function,
                                              Tensors inputs,
                                              at::Tensor out_gradient) {
  return [function = std::move(function), inputs = std::move(inputs),
          out_gradient = std::move(out_gradient)] {
    const at::Tensor out = function();
    Tensors results = torch::autograd::grad({out}, inputs, {out_gradient});
    results.insert(results.begin(), out.detach());
    return results;
  };
}

}  // namespace brt

int main(int argc, char** argv) {
  try {
    return brt::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "kernels_bench: {}\n", error.what());
    return 1;
  }
}
