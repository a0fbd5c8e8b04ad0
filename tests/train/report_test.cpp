// SPDX-License-Identifier: Apache-2.0
#include "train/report.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "train/html_text.h"
#include "train/report_plots.h"
#include "train/report_summary.h"
#include "train/run_record.h"
#include "train/svg_plot.h"

namespace brt {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

/// A folder that is removed at the end of a test.
class Scratch {
 public:
  Scratch()
      : path_(std::filesystem::temp_directory_path() / fmt::format("brt_report_{}", getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string metrics_line(int step, double bits) {
  return fmt::format(
      R"({{"step":{},"tokens":{},"bits_per_token":{},"bits_per_byte":{},"tokens_per_second":1000,"seconds":{}}})"
      "\n",
      step, step * 100, bits, bits, step);
}

std::string evaluation_json(double bits_near, double bits_far) {
  return fmt::format(
      R"({{"split":"test","documents":2,"tokens":100,"bytes":2000000,"bits_per_token":{0},"bits_per_byte":{0},)"
      R"("word_perplexity":10,"tokens_per_second":5,"by_position":[)"
      R"({{"from":0,"to":128,"bits_per_token":{1}}},{{"from":128,"to":256,"bits_per_token":{2}}}]}})",
      (bits_near + bits_far) / 2, bits_near, bits_far);
}

/// A run folder with two logged steps and one evaluation.
std::filesystem::path make_run(const Scratch& scratch,
                               const std::string& name,
                               bool is_recurrent,
                               const std::string& carried) {
  const std::filesystem::path folder = scratch.path() / name;
  std::filesystem::create_directories(folder / "evaluation");
  write_file_atomically(
      folder / "config.toml",
      fmt::format(
          "[model]\npreset = \"{}\"\nsize = \"tiny\"\nvocab_size = 257\n[data]\npath = \"d\"\n",
          is_recurrent ? "rec-fixed-skip" : "slide"));
  write_file_atomically(folder / "metrics.jsonl", metrics_line(1, 8.0) + metrics_line(2, 4.0));
  write_file_atomically(folder / "evaluation" / "carried.json", carried);
  return folder;
}

std::string joined_summary(const std::vector<RunRecord>& runs) {
  std::string text;
  for (const std::string& sentence : summarize_runs(runs)) {
    text += sentence + "\n";
  }
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(EscapeHtml, MarkupAndQuotesBecomeEntities) {
  EXPECT_EQ(escape_html("<a href=\"x\">Tom & 'Jerry'</a>"),
            "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt;");
}

TEST(EscapeHtml, BytesThatAreNotTextBecomeReplacementCharacters) {
  EXPECT_EQ(escape_html("a\xff"
                        "b\x01\tc\n\xc3\xa9"),
            "a&#xFFFD;b&#xFFFD;\tc\n\xc3\xa9");
}

TEST(SvgPlot, TicksAreRoundNumbersInsideTheRange) {
  EXPECT_EQ(linear_ticks(0.0, 10.0, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(linear_ticks(1.5, 3.4, 4), (std::vector<double>{1.5, 2.0, 2.5, 3.0}));
  EXPECT_EQ(tick_text(2500000), "2.5M");
  EXPECT_EQ(tick_text(16384), "16.38k");
  EXPECT_EQ(tick_text(0.25), "0.25");
}

TEST(SvgPlot, ALabelCannotBringMarkup) {
  const std::string svg =
      svg_plot({.title = "<script>", .series = {{.label = "a<b", .points = {{1, 1}, {2, 2}}}}});
  EXPECT_FALSE(contains(svg, "<script>"));
  EXPECT_TRUE(contains(svg, "a&lt;b"));
}

TEST(SvgPlot, PointsThatAreNotFiniteBreakTheLine) {
  const std::string svg = svg_plot({.series = {{.points = {{1, 1}, {2, kNotANumber}, {3, 2}}}}});
  EXPECT_FALSE(contains(svg, "nan"));
  const size_t path = svg.find("class=\"line s0\" d=\"M");
  ASSERT_NE(path, std::string::npos);
  EXPECT_TRUE(contains(svg.substr(path + 20, svg.find("/>", path) - path - 20), "M"));
}

TEST(SvgPlot, WithoutFinitePointsItSaysSo) {
  EXPECT_TRUE(contains(svg_plot({.series = {{.points = {{1, kNotANumber}}}}}), "no data"));
}

TEST(RunRecord, StepsLoggedAgainAfterAResumeReplaceTheOlderOnes) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "run", true, evaluation_json(2, 2));
  write_file_atomically(folder / "metrics.jsonl", metrics_line(1, 8) + metrics_line(2, 7) +
                                                      metrics_line(3, 6) + metrics_line(2, 5));
  const RunRecord record = read_run_record("run", folder);
  ASSERT_EQ(record.steps.size(), 2u);
  EXPECT_EQ(record.steps[1].step, 2);
  EXPECT_EQ(record.steps[1].bits_per_byte, 5.0);
}

TEST(RunRecord, ALastLineThatWasCutOffIsPassedOver) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "run", true, evaluation_json(2, 2));
  write_file_atomically(folder / "metrics.jsonl", metrics_line(1, 8) + "{\"step\":2,\"tok");
  EXPECT_EQ(read_run_record("run", folder).steps.size(), 1u);
}

TEST(RunRecord, ADamagedLineIsNamedWithItsNumber) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "run", true, evaluation_json(2, 2));
  write_file_atomically(folder / "metrics.jsonl", metrics_line(1, 8) + "{\"step\":\n");
  try {
    read_run_record("run", folder);
    FAIL() << "no exception";
  } catch (const DataError& error) {
    EXPECT_TRUE(contains(error.what(), "metrics.jsonl:2:")) << error.what();
  }
}

TEST(RunRecord, NumbersThatAreNoCountsAreNamed) {
  for (const char* number : {"1e300", "-1", "2.5", "18446744073709551615", "null"}) {
    const Scratch scratch;
    const std::filesystem::path folder = make_run(scratch, "run", true, evaluation_json(2, 2));
    write_file_atomically(folder / "metrics.jsonl", fmt::format("{{\"step\":{}}}\n", number));
    EXPECT_THROW(read_run_record("run", folder), DataError) << number;
    write_file_atomically(folder / "metrics.jsonl", metrics_line(1, 8));
    write_file_atomically(folder / "evaluation" / "carried.json",
                          fmt::format("{{\"split\":\"test\",\"documents\":{},\"tokens\":1,"
                                      "\"bytes\":1,\"by_position\":[]}}",
                                      number));
    EXPECT_THROW(read_run_record("run", folder), DataError) << number;
  }
}

TEST(RunRecord, AFolderThatIsNoRunIsRefused) {
  const Scratch scratch;
  EXPECT_THROW(read_run_record("run", scratch.path()), DataError);
}

TEST(ReportSummary, NumbersOfAFileAreGroupedWhateverTheyAre) {
  EXPECT_EQ(grouped(int64_t{1234567}), "1,234,567");
  EXPECT_EQ(grouped(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
  EXPECT_EQ(grouped(1234.5), "1,235");
  EXPECT_EQ(grouped(-999.0), "-999");
  EXPECT_EQ(grouped(1e300), "1e+300");
  EXPECT_EQ(grouped(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(Report, ALineWithoutTokensHasADash) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "run", true, evaluation_json(2, 2));
  write_file_atomically(folder / "metrics.jsonl", "{\"step\":1,\"bits_per_byte\":4.0}\n");
  const std::string page = render_report({.runs = {{"run", folder}}});
  EXPECT_TRUE(contains(page, "<td>&ndash;</td>"));
  EXPECT_FALSE(contains(page, "9,223,372"));
}

TEST(ReportSummary, NamesTheBaselineWhenItIsAhead) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {
      read_run_record("Recurrent", make_run(scratch, "rec", true, evaluation_json(3.0, 2.0))),
      read_run_record("Baseline", make_run(scratch, "slide", false, evaluation_json(2.4, 2.2)))};
  const std::string summary = joined_summary(runs);
  EXPECT_TRUE(contains(
      summary, "Baseline is ahead of Recurrent: 2.300 against 2.500 bits per byte, 8.0 % fewer"))
      << summary;
  EXPECT_TRUE(contains(summary, "baseline without a recurrent state is the better model"))
      << summary;
  EXPECT_TRUE(contains(summary, "leads most at tokens 0 to 128")) << summary;
  EXPECT_TRUE(contains(summary, "Recurrent is ahead at tokens 128 to 256 (at most by 0.200)"))
      << summary;
}

TEST(ReportSummary, NamesTheRecurrentModelWhenItIsAhead) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {
      read_run_record("Recurrent", make_run(scratch, "rec", true, evaluation_json(2.0, 2.0))),
      read_run_record("Baseline", make_run(scratch, "slide", false, evaluation_json(2.1, 2.2)))};
  const std::string summary = joined_summary(runs);
  EXPECT_TRUE(contains(summary, "Recurrent is ahead of Baseline")) << summary;
  EXPECT_TRUE(contains(summary, "the recurrent state pays for itself")) << summary;
  EXPECT_TRUE(contains(summary, "at every distance from the start")) << summary;
}

TEST(ReportSummary, CallsASmallDifferenceLevel) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {
      read_run_record("Recurrent", make_run(scratch, "rec", true, evaluation_json(2.0, 2.0))),
      read_run_record("Baseline",
                      make_run(scratch, "slide", false, evaluation_json(2.001, 2.001)))};
  EXPECT_TRUE(contains(joined_summary(runs), "are level"));
  EXPECT_TRUE(contains(joined_summary(runs), "neither pays nor costs"));
}

TEST(ReportSummary, SaysWhetherTheStateIsUsed) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "rec", true, evaluation_json(2.0, 2.0));
  for (const auto& [bits, words] : {std::pair<double, const char*>{2.0, "is hardly used"},
                                    {2.01, "helps a little"},
                                    {2.1, "segment before helps."},
                                    {1.9, "does harm"}}) {
    write_file_atomically(folder / "evaluation" / "none.json", evaluation_json(bits, bits));
    EXPECT_TRUE(contains(joined_summary({read_run_record("rec", folder)}), words)) << words;
  }
}

TEST(ReportPlots, DifferencesAreTakenFromTheFirstRunWithEverythingCarried) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {
      read_run_record("Recurrent", make_run(scratch, "rec", true, evaluation_json(3.0, 2.0))),
      read_run_record("Baseline", make_run(scratch, "slide", false, evaluation_json(2.5, 2.25)))};
  const Plot plot = loss_difference_by_position(runs);
  ASSERT_EQ(plot.series.size(), 1u);
  EXPECT_EQ(plot.series[0].label, "Baseline");
  ASSERT_EQ(plot.series[0].points.size(), 2u);
  EXPECT_DOUBLE_EQ(plot.series[0].points[0].y, -0.5);
  EXPECT_DOUBLE_EQ(plot.series[0].points[1].y, 0.25);
}

TEST(Report, IsOneFileWithoutScriptsOrLinksAndEscapesWhatRunsBring) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "rec", true, evaluation_json(3.0, 2.0));
  write_file_atomically(folder / "sample-prompt.txt", "Once <i>upon</i>");
  write_file_atomically(folder / "sample.txt", "a <script>time</script> \xff");
  const std::string page =
      render_report({.runs = {{"A & B", folder}}, .title = "<b>", .note = "x < y"});
  for (const char* unwanted : {"<script", "<i>", "<b>", "src=", "href=", "http", "A & B", "\xff"}) {
    EXPECT_FALSE(contains(page, unwanted)) << unwanted;
  }
  for (const char* wanted :
       {"A &amp; B", "x &lt; y", "a &lt;script&gt;time", "Learning curves", "2.500", "[model]"}) {
    EXPECT_TRUE(contains(page, wanted)) << wanted;
  }
}

TEST(Report, ListsTheSettingsInWhichRunsDiffer) {
  const Scratch scratch;
  const std::string page = render_report(
      {.runs = {{"rec", make_run(scratch, "rec", true, evaluation_json(3.0, 2.0))},
                {"slide", make_run(scratch, "slide", false, evaluation_json(3.0, 2.0))}}});
  EXPECT_TRUE(contains(page, "<td>model.recurrent_layers</td>"));
  EXPECT_FALSE(contains(page, "<td>model.width</td>"));
}

TEST(Report, WithoutRunsItIsRefused) { EXPECT_THROW(render_report({}), Error); }

}  // namespace
}  // namespace brt
