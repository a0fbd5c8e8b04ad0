// SPDX-License-Identifier: Apache-2.0
// The page of report.h, section by section from top to bottom.
#include "train/report.h"

#include <cmath>
#include <fstream>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/sysinfo.h>

#include "base/error.h"
#include "train/html_text.h"
#include "train/report_plots.h"
#include "train/report_summary.h"
#include "train/run_record.h"
#include "train/svg_plot.h"

namespace brt {
namespace {

constexpr std::string_view kPageStyle = R"(
:root { color-scheme: light dark; --page: #fbfaf8; --card: #ffffff; --text: #1d2126; --muted: #5c6670; --grid: #e9e7e3; --border: #cfcbc4; --accent: #eef4fa; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171a; --card: #1b1f24; --text: #e6e9ec; --muted: #9aa5b0; --grid: #2a3036; --border: #444c55; --accent: #1c2733; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 20px; margin: 36px 0 12px; }
.note { color: var(--muted); margin: 0 0 20px; }
.summary { background: var(--accent); border-left: 4px solid var(--c0); border-radius: 6px; padding: 14px 20px; }
.summary p { margin: 6px 0; }
.summary p:first-child { font-size: 18px; font-weight: 600; }
.card { background: var(--card); border: 1px solid var(--grid); border-radius: 8px; padding: 14px; }
.plots { display: grid; gap: 18px; }
.sample { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.nowrap { white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; }
th, td { padding: 7px 10px; text-align: right; border-bottom: 1px solid var(--grid); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: var(--muted); font-size: 13px; }
td.best { font-weight: 700; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: 13.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.sample .prompt { color: var(--muted); }
.sample .text { background: var(--accent); }
.sample h3 { margin: 0 0 8px; font-size: 15px; }
details { margin: 12px 0; } summary { cursor: pointer; }
footer { color: var(--muted); font-size: 13px; margin-top: 40px; }
)";

std::string card(const std::string& content) {
  return "<div class=\"card\">\n" + content + "</div>\n";
}

std::string summary_section(const std::vector<RunRecord>& runs) {
  std::string html = "<section class=\"summary\">\n";
  for (const std::string& sentence : summarize_runs(runs)) {
    html += fmt::format("<p>{}</p>\n", escape_html(sentence));
  }
  return html + "</section>\n";
}

std::string figure(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "&ndash;";
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) {
    return "&ndash;";
  }
  return seconds < 90 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} min", seconds / 60);
}

std::string layers_text(const ModelConfig& model) {
  return model.recurrent_layers.empty() ? fmt::format("{}", model.num_layers)
                                        : fmt::format("{}, recurrent {}", model.num_layers,
                                                      fmt::join(model.recurrent_layers, ", "));
}

/// Bytes of text that the tokens read so far stand for.
double bytes_read(const LoggedStep& last) {
  return last.tokens * last.bits_per_token / last.bits_per_byte;
}

std::string evaluation_cells(const RunRecord& run, bool is_best) {
  std::string html;
  for (const char* carry : {"carried", "none", "reset"}) {
    const EvaluationRecord* evaluation = run.evaluation(carry);
    const bool is_bold = is_best && evaluation == run.evaluation("carried");
    html += fmt::format("<td{}>{}</td>", is_bold ? " class=\"best\"" : "",
                        evaluation == nullptr ? "&ndash;" : figure(evaluation->bits_per_byte, 3));
  }
  const EvaluationRecord* carried = run.evaluation("carried");
  return html + fmt::format("<td>{}</td>",
                            carried == nullptr ? "&ndash;" : figure(carried->word_perplexity, 0));
}

std::string table_section(const std::vector<RunRecord>& runs) {
  std::string html =
      "<h2>Models</h2>\n<div class=\"card scroll\"><table>\n<tr><th>Model</th><th>Layers</th>"
      "<th>Parameters</th><th>Tokens read</th><th>Text read, MB</th><th>Test bits per byte, "
      "carried</th>"
      "<th>state zeroed</th><th>all reset</th><th>Word perplexity</th><th>Training tokens/s</th>"
      "<th>Training time</th></tr>\n";
  const std::vector<double> bits = headline_bits_per_byte(runs);
  for (size_t index = 0; index < runs.size(); ++index) {
    const RunRecord& run = runs[index];
    const LoggedStep& last = run.steps.back();
    bool is_best = runs.size() > 1;
    for (const double other : bits) {
      is_best = is_best && !(other < bits[index]);
    }
    const double speed = median_speed(run);
    html += fmt::format(
        "<tr><td class=\"nowrap\">{}</td><td "
        "class=\"nowrap\">{}</td><td>{}</td><td>{}</td><td>{}</td>{}<td>{}</td><td>{}</td></"
        "tr>\n",
        escape_html(run.name), layers_text(run.config.model),
        grouped(count_parameters(run.config.model)),
        std::isfinite(last.tokens) ? grouped(last.tokens) : "&ndash;",
        figure(bytes_read(last) / 1e6, 1), evaluation_cells(run, is_best),
        std::isfinite(speed) ? grouped(speed) : "&ndash;", duration(last.seconds));
  }
  return html +
         "</table></div>\n<p class=\"note\">Carried: cache and state go from segment to segment of "
         "a document. "
         "State zeroed: the cache does, the state starts at zero in every segment. All reset: "
         "neither does. "
         "Lower is better.</p>\n";
}

std::string plot_sections(const std::vector<RunRecord>& runs) {
  std::string html = "<h2>Learning</h2>\n" + card(svg_plot(learning_curves(runs)));
  const Plot by_position = loss_by_position(runs);
  if (!by_position.series.empty()) {
    html += "<h2>Loss along a document</h2>\n<div class=\"plots\">\n" + card(svg_plot(by_position));
    const Plot difference = loss_difference_by_position(runs);
    if (!difference.series.empty()) {
      html += card(svg_plot(difference));
    }
    html += "</div>\n";
  }
  for (const RunRecord& run : runs) {
    const Plot gates = gates_over_time(run);
    const Plot states = state_size_over_time(run);
    if (!gates.series.empty() || !states.series.empty()) {
      html += fmt::format("<h2>Recurrent state of {}</h2>\n<div class=\"plots\">\n{}{}</div>\n",
                          escape_html(run.name), card(svg_plot(gates)), card(svg_plot(states)));
    }
  }
  return html;
}

std::string sample_section(const std::vector<RunRecord>& runs) {
  std::string html;
  for (const RunRecord& run : runs) {
    if (run.sample) {
      html += card(fmt::format(
          "<h3>{}</h3>\n<pre><span class=\"prompt\">{}</span><span "
          "class=\"text\">{}</span></pre>\n",
          escape_html(run.name), escape_html(run.sample_prompt), escape_html(*run.sample)));
    }
  }
  return html.empty() ? ""
                      : "<h2>Text continued</h2>\n<p class=\"note\">Grey: the prompt. Marked: what "
                        "the model wrote.</p>\n"
                        "<div class=\"plots sample\">\n" +
                            html + "</div>\n";
}

/// The settings in which runs differ from the first, one row a setting.
std::string differences_table(const std::vector<RunRecord>& runs) {
  std::map<std::string, std::vector<std::string>> rows;
  for (size_t index = 1; index < runs.size(); ++index) {
    for (const FieldDifference& difference :
         config_differences(runs[0].config, runs[index].config)) {
      const auto [row, is_new] = rows.try_emplace(difference.name, runs.size(), difference.left);
      row->second[index] = difference.right;
    }
  }
  if (rows.empty()) {
    return runs.size() > 1 ? "<p>All settings are the same.</p>\n" : "";
  }
  std::string html = "<table>\n<tr><th>Setting</th>";
  for (const RunRecord& run : runs) {
    html += fmt::format("<th>{}</th>", escape_html(run.name));
  }
  html += "</tr>\n";
  for (const auto& [name, values] : rows) {
    html += fmt::format("<tr><td>{}</td>", escape_html(name));
    for (const std::string& value : values) {
      html += fmt::format("<td>{}</td>", escape_html(value));
    }
    html += "</tr>\n";
  }
  return html + "</table>\n";
}

std::string settings_section(const std::vector<RunRecord>& runs) {
  std::string html = "<h2>Settings</h2>\n";
  const std::string differences = differences_table(runs);
  if (!differences.empty()) {
    html +=
        "<div class=\"card scroll\">\n<p class=\"note\">Where the runs differ; everything else is "
        "the same.</p>\n" +
        differences + "</div>\n";
  }
  for (const RunRecord& run : runs) {
    html += fmt::format("<details><summary>All settings of {}</summary>\n{}</details>\n",
                        escape_html(run.name),
                        card(fmt::format("<pre>{}</pre>\n", escape_html(run.config_text))));
  }
  return html;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const size_t colon = line.find(": ");
      return colon == std::string::npos ? line : line.substr(colon + 2);
    }
  }
  return "unknown CPU";
}

std::string machine_section() {
  struct sysinfo memory = {};
  const bool is_known = sysinfo(&memory) == 0;
  const double gib =
      static_cast<double>(memory.totalram) * memory.mem_unit / (1024.0 * 1024.0 * 1024.0);
  return fmt::format("<h2>Machine</h2>\n<p>{}, {} cores{} (where this page was written).</p>\n",
                     escape_html(cpu_name()), std::thread::hardware_concurrency(),
                     is_known ? fmt::format(", {:.1f} GiB of memory", gib) : "");
}

}  // namespace

std::string render_report(const ReportOptions& options) {
  if (options.runs.empty()) {
    throw Error("report: no run is given", "name at least one, as NAME=RUN_FOLDER");
  }
  std::vector<RunRecord> runs;
  for (const ReportRun& run : options.runs) {
    runs.push_back(read_run_record(run.name, run.folder));
  }
  const std::string title = escape_html(options.title);
  const std::string note =
      options.note.empty() ? ""
                           : fmt::format("<p class=\"note\">{}</p>\n", escape_html(options.note));
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n{}{}{}{}{}{}{}"
      "<footer>Written by brt report.</footer>\n</main>\n</body>\n</html>\n",
      title, kPageStyle, svg_plot_style(), title, note, summary_section(runs), table_section(runs),
      plot_sections(runs), sample_section(runs), machine_section(), settings_section(runs));
}

}  // namespace brt
