// SPDX-License-Identifier: Apache-2.0
// The page of report.h, section by section from top to bottom.
#include "report/report.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/sysinfo.h>

#include "base/available_cores.h"
#include "base/error.h"
#include "report/html_text.h"
#include "report/report_plots.h"
#include "report/report_summary.h"
#include "report/report_terms.h"
#include "report/run_average.h"
#include "report/run_record.h"
#include "report/svg_plot.h"

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
.card + .note { margin-top: 10px; }
.plots { display: grid; gap: 18px; }
.sample { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.nowrap { white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 7px 6px; text-align: right; border-bottom: 1px solid var(--grid); vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: var(--muted); font-size: 12.5px; vertical-align: bottom; }
td.best { font-weight: 700; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: 13.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
small { font-weight: 400; color: var(--muted); white-space: nowrap; }
th.words, td.words { text-align: left; min-width: 8em; }
.prose { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 15px; }
.sample .prompt { color: var(--muted); }
.sample .text { background: var(--accent); }
.sample h3 { margin: 0 0 8px; font-size: 15px; }
@media (max-width: 640px) { .card { overflow-x: auto; } .plot { min-width: 600px; } }
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
  const std::vector<int64_t>& recurrent = model.recurrent_layers;
  const std::string layers =
      fmt::format("{} layer{}", model.num_layers, model.num_layers == 1 ? "" : "s");
  return recurrent.empty()
             ? layers
             : fmt::format("{}, layer{} {} recurrent", layers, recurrent.size() == 1 ? "" : "s",
                           fmt::join(recurrent, " and "));
}

/// Bytes of text that the tokens read so far stand for.
double bytes_read(const LoggedStep& last) {
  return last.tokens * last.bits_per_token / last.bits_per_byte;
}

/// Lowest and highest of several seeds, in small print below their mean.
std::string range_text(const std::optional<SeedRange>& range) {
  return range ? fmt::format("<br><small>{}&ndash;{}</small>", figure(range->low, 3),
                             figure(range->high, 3))
               : "";
}

std::string evaluation_cells(const RunRecord& run, bool is_best) {
  std::string html;
  for (const char* carry : {"carried", "none", "reset"}) {
    const EvaluationRecord* evaluation = run.evaluation(carry);
    const bool is_bold = is_best && evaluation == run.evaluation("carried");
    html += fmt::format("<td{}>{}{}</td>", is_bold ? " class=\"best\"" : "",
                        evaluation == nullptr ? "&ndash;" : figure(evaluation->bits_per_byte, 3),
                        evaluation == nullptr ? "" : range_text(evaluation->range));
  }
  const EvaluationRecord* carried = run.evaluation("carried");
  return html + fmt::format("<td>{}</td>",
                            carried == nullptr ? "&ndash;" : figure(carried->word_perplexity, 0));
}

std::string table_row(const RunRecord& run, bool is_best) {
  const LoggedStep& last = run.steps.back();
  const double speed = median_speed(run);
  return fmt::format(
      "<tr><td class=\"nowrap\">{}</td><td class=\"words\">{}</td><td>{}</td><td>{}</td><td>{}</td>"
      "<td>{}</td>{}<td>{}</td><td class=\"nowrap\">{}</td></tr>\n",
      escape_html(run.name), layers_text(run.config.model),
      grouped(count_parameters(run.config.model)), fmt::join(run.seeds, ", "),
      std::isfinite(last.tokens) ? grouped(last.tokens) : "&ndash;",
      figure(bytes_read(last) / 1e6, 1), evaluation_cells(run, is_best),
      std::isfinite(speed) ? grouped(speed) : "&ndash;", duration(last.seconds));
}

std::string table_section(const std::vector<RunRecord>& runs) {
  std::string html =
      "<h2>Models</h2>\n<div class=\"card scroll\"><table>\n<tr><th>Model</th>"
      "<th class=\"words\">Layers</th><th>Parameters</th><th>Seeds</th><th>Tokens read</th>"
      "<th>Text read, MB</th><th>Test bits per byte, full carry</th><th>no state</th>"
      "<th>nothing carried</th><th>Word perplexity</th><th>Training tokens/s</th>"
      "<th>Training time</th></tr>\n";
  const std::vector<double> bits = headline_bits_per_byte(runs);
  bool has_seeds = false;
  for (size_t index = 0; index < runs.size(); ++index) {
    bool is_best = runs.size() > 1;
    for (const double other : bits) {
      is_best = is_best && !(other < bits[index]);
    }
    html += table_row(runs[index], is_best);
    has_seeds = has_seeds || runs[index].seeds.size() > 1;
  }
  return html +
         "</table></div>\n<p class=\"note\">Layers count from 0. Full carry: cache and state "
         "go from segment to segment of a document. No state: the cache does, the state is "
         "zero at the start of every segment. Nothing carried: neither does. Lower is better." +
         (has_seeds ? " Of several seeds: the mean, with the lowest and highest in small print; "
                      "bands in the plots are the same."
                    : "") +
         "</p>\n";
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

/// The text with the line ends inside paragraphs as spaces, byte for byte. Books are broken at some
/// 70 characters, and a page of another width would break each of these lines again. A line end
/// stays where the line is too short to have been broken for its length, or the next is indented or
/// empty.
std::string rejoin_lines(std::string text) {
  constexpr size_t kShortest = 50;
  size_t line = 0;
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    const bool is_long = at - line >= kShortest;
    const bool is_followed =
        at + 1 < text.size() && text[at + 1] != '\n' && text[at + 1] != ' ' && text[at + 1] != '\t';
    line = at + 1;
    if (is_long && is_followed) {
      text[at] = ' ';
    }
  }
  return text;
}

std::string sample_section(const std::vector<RunRecord>& runs) {
  std::string html;
  for (const RunRecord& run : runs) {
    if (run.sample) {
      const std::string text = rejoin_lines(run.sample_prompt + *run.sample);
      const size_t end_of_prompt = run.sample_prompt.size();
      html += card(
          fmt::format("<h3>{}</h3>\n<div class=\"prose\"><span class=\"prompt\">{}</span><span "
                      "class=\"text\">{}</span></div>\n",
                      escape_html(run.name), escape_html(text.substr(0, end_of_prompt)),
                      escape_html(text.substr(end_of_prompt))));
    }
  }
  return html.empty() ? ""
                      : "<h2>Text continued</h2>\n<p class=\"note\">Grey: the prompt. Marked: what "
                        "the model wrote. Lines are joined to paragraphs.</p>\n"
                        "<div class=\"plots sample\">\n" +
                            html + "</div>\n";
}

/// The settings in which runs differ from the first, one row a setting.
std::string differences_table(const std::vector<RunRecord>& runs) {
  const std::map<std::string, std::vector<std::string>> rows = differing_settings(runs);
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
  const int64_t cores = available_cores();
  return fmt::format(
      "<h2>Machine</h2>\n<p>{}, {} core{} to use{} (where this page was written).</p>\n",
      escape_html(cpu_name()), cores, cores == 1 ? "" : "s",
      is_known ? fmt::format(", {:.1f} GiB of memory", gib) : "");
}

/// One record a name, in the order in which the names first come.
std::vector<RunRecord> read_models(const std::vector<ReportRun>& runs) {
  std::vector<std::vector<RunRecord>> by_name;
  for (const ReportRun& run : runs) {
    RunRecord record = read_run_record(run.name, run.folder);
    const std::vector<std::vector<RunRecord>>::iterator same = std::ranges::find_if(
        by_name,
        [&run](const std::vector<RunRecord>& seeds) { return seeds.front().name == run.name; });
    if (same == by_name.end()) {
      by_name.push_back({std::move(record)});
    } else {
      same->push_back(std::move(record));
    }
  }
  std::vector<RunRecord> models;
  std::ranges::transform(by_name, std::back_inserter(models), average_runs);
  return models;
}

}  // namespace

std::string render_report(const ReportOptions& options) {
  if (options.runs.empty()) {
    throw Error("report: no run is given", "name at least one, as NAME=RUN_FOLDER");
  }
  const std::vector<RunRecord> runs = read_models(options.runs);
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
