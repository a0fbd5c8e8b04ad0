// SPDX-License-Identifier: Apache-2.0
// `brt selftest`: compares the model with cases of the reference implementation.
#include "eval/selftest.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/enum_text.h"
#include "eval/engine_selftest.h"
#include "ops/compute_threads.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

struct SelftestFlags {
  std::string golden;
  std::string dtype = "fp32";
  bool engine = false;
  std::vector<std::string> weights = {"fp32", "bf16", "int8"};
  bool json = false;
};

std::string line_of(const SelftestResult& result) {
  std::string line = fmt::format("{} {:<28}", result.passed() ? "pass" : "FAIL", result.name);
  for (const SelftestFigure& figure : result.figures) {
    line += fmt::format("  {} {:.1e}", figure.name, figure.error);
    if (!figure.passed()) {
      line += fmt::format(" > {:.1e} ({})", figure.limit, figure.worst);
    }
  }
  return result.failure.empty() ? line : line + "  " + result.failure;
}

std::string json_line_of(const SelftestResult& result) {
  nlohmann::ordered_json line = {{"case", result.name}, {"passed", result.passed()}};
  for (const SelftestFigure& figure : result.figures) {
    line[figure.name] = {{"error", figure.error}, {"limit", figure.limit}, {"worst", figure.worst}};
  }
  if (!result.failure.empty()) {
    line["failure"] = result.failure;
  }
  return line.dump();
}

/// Every case, or with --engine every one that does not train, with each format of weights.
std::vector<SelftestResult> run_case(const std::filesystem::path& folder,
                                     const SelftestFlags& flags) {
  if (!flags.engine) {
    return {run_selftest_case(folder, *from_word<DType>(flags.dtype))};
  }
  std::vector<SelftestResult> results;
  for (const std::string& word : flags.weights) {
    if (is_engine_case(folder)) {
      results.push_back(run_engine_selftest_case(folder, weight_format_from_word(word)));
      results.back().name += "/" + word;
    }
  }
  return results;
}

void run_selftest(const SelftestFlags& flags) {
  set_compute_threads(0);
  int64_t failed = 0;
  int64_t passed = 0;
  for (const std::filesystem::path& folder : find_selftest_cases(flags.golden)) {
    for (const SelftestResult& result : run_case(folder, flags)) {
      ++(result.passed() ? passed : failed);
      fmt::print("{}\n", flags.json ? json_line_of(result) : visible_text(line_of(result)));
    }
  }
  if (failed > 0) {
    throw Error(fmt::format("selftest: {} of {} cases failed", failed, passed + failed));
  }
  if (!flags.json) {
    fmt::print("all {} cases passed\n", passed);
  }
}

}  // namespace

void add_selftest_verb(CLI::App& app) {
  const auto flags = std::make_shared<SelftestFlags>();
  CLI::App* verb =
      app.add_subcommand("selftest", "Compare with cases of the reference implementation.");
  verb->add_option("--golden", flags->golden,
                   "folder of case folders (docs/model.md, \"Golden cases\")")
      ->required();
  CLI::Option* dtype = verb->add_option("--dtype", flags->dtype, "compute precision")
                           ->check(CLI::IsMember({"fp32", "bf16"}))
                           ->capture_default_str();
  CLI::Option* engine =
      verb->add_flag("--engine", flags->engine,
                     "run the streaming engine, not the model that trains; --weights, not --dtype")
          ->excludes(dtype);
  verb->add_option("--weights", flags->weights, "formats of the engine's weights")
      ->check(CLI::IsMember({"fp32", "bf16", "int8"}))
      ->delimiter(',')
      ->needs(engine)
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "one JSON object a case");
  verb->footer(
      "Examples:\n  brt selftest --golden tests/golden\n  brt selftest --golden tests/golden "
      "--dtype bf16\n  brt selftest --golden tests/golden --engine --weights fp32,int8");
  verb->callback([flags] { run_selftest(*flags); });
}

}  // namespace brt
