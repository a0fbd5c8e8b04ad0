// SPDX-License-Identifier: Apache-2.0
// `brt report`: one HTML page that compares runs.
#include "report/report.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "base/output_check.h"
#include "messages.h"
#include "verbs.h"

namespace brt {
namespace {

struct ReportFlags {
  std::vector<std::string> runs;
  std::string output;
  std::string title = ReportOptions().title;
  std::string note;
};

/// "NAME=DIR", or "DIR" whose last part is the name.
ReportRun parse_run(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) {
    return {text.substr(0, equals), text.substr(equals + 1)};
  }
  const std::filesystem::path folder = std::filesystem::path(text).lexically_normal();
  return {
      folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string(),
      folder};
}

void report(const ReportFlags& flags) {
  check_output_file(flags.output);
  ReportOptions options = {.title = flags.title, .note = flags.note};
  for (const std::string& run : flags.runs) {
    options.runs.push_back(parse_run(run));
  }
  write_file_atomically(flags.output, render_report(options));
  write_message(fmt::format("wrote {}\n", flags.output));
}

}  // namespace

void add_report_verb(CLI::App& app) {
  const std::shared_ptr<ReportFlags> flags = std::make_shared<ReportFlags>();
  CLI::App* verb = app.add_subcommand("report", "Write one HTML page that compares runs.");
  verb->add_option(
          "--run", flags->runs,
          "NAME=RUN_FOLDER or RUN_FOLDER; once for each run. Runs of one name are seeds of "
          "one model: their mean and spread are shown")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--output", flags->output, "the page, an .html file")->required();
  verb->add_option("--title", flags->title, "title of the page")->capture_default_str();
  verb->add_option("--note", flags->note, "a line below the title");
  verb->footer(
      "Reads config.toml and metrics.jsonl of each run folder, and, where they are there,\n"
      "evaluation/{full,no-state,nothing}.json (from brt eval --json; carried, none and reset are\n"
      "the same), sample.txt and sample-prompt.txt. If runs differ in tokens, data, steps, batch,\n"
      "optimizer, precision or seeds, the page says so first.\n"
      "Examples:\n"
      "  brt report --run Recurrent=runs/rec --run Baseline=runs/slide --output report.html\n"
      "  brt report --run Rec=runs/rec-1 --run Rec=runs/rec-2 --run XL=runs/xl --output "
      "report.html\n"
      "      two seeds of one model, averaged");
  verb->callback([flags] { report(*flags); });
}

}  // namespace brt
