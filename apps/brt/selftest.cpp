// SPDX-License-Identifier: Apache-2.0
// `brt selftest`: compares the model with cases of the reference implementation.
#include "eval/selftest.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/enum_text.h"
#include "verbs.h"

namespace brt {
namespace {

struct SelftestFlags {
  std::string golden;
  std::string dtype = "fp32";
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

void run_selftest(const SelftestFlags& flags) {
  const DType dtype = *from_word<DType>(flags.dtype);
  int64_t failed = 0;
  int64_t passed = 0;
  for (const std::filesystem::path& folder : find_selftest_cases(flags.golden)) {
    const SelftestResult result = run_selftest_case(folder, dtype);
    ++(result.passed() ? passed : failed);
    fmt::print("{}\n", flags.json ? json_line_of(result) : line_of(result));
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
      app.add_subcommand("selftest", "compare with cases of the reference implementation");
  verb->add_option("--golden", flags->golden,
                   "folder of case folders (docs/model.md, \"Golden cases\")")
      ->required();
  verb->add_option("--dtype", flags->dtype, "compute precision")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "one JSON object a case");
  verb->footer(
      "Examples:\n  brt selftest --golden tests/golden\n  brt selftest --golden tests/golden "
      "--dtype bf16");
  verb->callback([flags] { run_selftest(*flags); });
}

}  // namespace brt
