// SPDX-License-Identifier: Apache-2.0
#include "report/report.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "report/html_text.h"
#include "report/report_plots.h"
#include "report/report_summary.h"
#include "report/report_terms.h"
#include "report/run_average.h"
#include "report/run_record.h"
#include "report/svg_plot.h"
#include "support/one_core.h"

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

/// The run of a folder with settings that differ from those in its config.toml.
std::filesystem::path make_run_with(const Scratch& scratch,
                                    const std::string& name,
                                    bool is_recurrent,
                                    const std::string& carried,
                                    const std::string& settings) {
  const std::filesystem::path folder = make_run(scratch, name, is_recurrent, carried);
  const std::filesystem::path config = folder / "config.toml";
  write_file_atomically(config, read_file(config) + settings);
  return folder;
}

TEST(ReportTerms, OfEqualRunsAreNamedAfterTheRanking) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {
      read_run_record("Rec", make_run(scratch, "rec", true, evaluation_json(2.0, 2.0))),
      read_run_record("XL", make_run(scratch, "xl", false, evaluation_json(2.2, 2.2)))};
  EXPECT_EQ(differences_sentence(runs), "");
  EXPECT_TRUE(are_on_equal_terms(runs[0], runs[1]));
  EXPECT_TRUE(contains(joined_summary(runs),
                       "Both read 200 tokens of the same data in 2 steps of 512, with the "
                       "same optimizer, in fp32, with seed 1 each."));
}

TEST(ReportTerms, ThatDifferComeFirstAndLeaveNoVerdict) {
  const Scratch scratch;
  const std::filesystem::path folder =
      make_run_with(scratch, "xl", false, evaluation_json(2.2, 2.2),
                    "[train]\nlanes = 2\ndtype = \"bf16\"\nseed = 7\n[optimizer]\nrate = 0.5\n");
  write_file_atomically(folder / "metrics.jsonl", metrics_line(1, 8.0));
  const std::vector<RunRecord> runs = {
      read_run_record("Rec", make_run(scratch, "rec", true, evaluation_json(2.0, 2.0))),
      read_run_record("XL", folder)};
  EXPECT_FALSE(are_on_equal_terms(runs[0], runs[1]));
  EXPECT_EQ(summarize_runs(runs).front(),
            "These runs differ in more than their models, so the figures do not compare the models "
            "alone: tokens read (Rec 200, XL 100); tokens of a step (Rec 512, XL "
            "128); steps done (Rec 2, XL 1); optimizer.rate (Rec 1.0, XL 0.5); train.dtype (Rec "
            "\"fp32\", XL \"bf16\"); seeds (Rec 1, XL 7).");
  EXPECT_FALSE(contains(joined_summary(runs), "pays for itself"));
  EXPECT_TRUE(contains(joined_summary(runs), "Rec is ahead of XL"));
}

TEST(ReportTerms, OtherDataAndOtherHeldOutTextCount) {
  const Scratch scratch;
  const RunRecord base =
      read_run_record("a", make_run(scratch, "a", true, evaluation_json(2.0, 2.0)));
  RunRecord other = base;
  other.config.data.path = "elsewhere";
  EXPECT_TRUE(
      contains(differences_sentence({base, other}), "data.path (a \"d\", a \"elsewhere\")"));
  other = base;
  other.evaluations["carried"].bytes = 1;
  EXPECT_TRUE(contains(differences_sentence({base, other}), "held-out text (a split test, 2 doc"));
  other = base;
  other.steps.back().tokens *= 1.005;  // lanes cut documents at other places
  other.config.train.threads = 3;
  other.config.model.num_layers = 9;
  EXPECT_EQ(differences_sentence({base, other}), "");
}

TEST(ReportTerms, SeedsAloneLeaveTheVerdict) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {
      read_run_record("Rec", make_run(scratch, "rec", true, evaluation_json(2.0, 2.0))),
      read_run_record("Slide", make_run_with(scratch, "slide", false, evaluation_json(2.2, 2.2),
                                             "[train]\nseed = 2\n"))};
  EXPECT_EQ(summarize_runs(runs).front(),
            "The runs differ in their seeds (Rec 1, Slide 2), and in their models; the other terms "
            "of training are the same.");
  EXPECT_TRUE(contains(joined_summary(runs), "the recurrent state pays for itself"));
}

/// Runs of one model with seeds 1, 2, ... and these losses.
std::vector<RunRecord> seeds_of(const Scratch& scratch,
                                const std::string& name,
                                bool is_recurrent,
                                const std::vector<double>& losses) {
  std::vector<RunRecord> runs;
  for (const double bits : losses) {
    const size_t seed = runs.size() + 1;
    runs.push_back(read_run_record(name, make_run_with(scratch, fmt::format("{}-{}", name, seed),
                                                       is_recurrent, evaluation_json(bits, bits),
                                                       fmt::format("[train]\nseed = {}\n", seed))));
  }
  return runs;
}

TEST(RunAverage, IsTheMeanOfSeedsWithItsSpread) {
  const Scratch scratch;
  std::vector<RunRecord> runs = seeds_of(scratch, "rec", true, {2.0, 2.1, 2.5});
  runs[1].steps[0].bits_per_byte = 5.0;  // 8, 5, 8
  const RunRecord mean = average_runs(runs);
  EXPECT_EQ(mean.seeds, (std::vector<int64_t>{1, 2, 3}));
  ASSERT_EQ(mean.steps.size(), 2U);
  EXPECT_DOUBLE_EQ(mean.steps[0].bits_per_byte, 7.0);
  const EvaluationRecord& evaluation = *mean.evaluation("carried");
  EXPECT_DOUBLE_EQ(evaluation.bits_per_byte, 2.2);
  ASSERT_TRUE(evaluation.range && evaluation.by_position[1].range);
  EXPECT_EQ(evaluation.range->low, 2.0);
  EXPECT_EQ(evaluation.by_position[1].range->high, 2.5);
  EXPECT_FALSE(average_runs({runs[0]}).evaluation("carried")->range);
}

TEST(RunAverage, NeedsTheSameSettingsOtherSeedsAndEqualEvaluations) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = seeds_of(scratch, "rec", true, {2.0, 2.1});
  const auto refusal = [](std::vector<RunRecord> seeds) -> std::string {
    try {
      average_runs(seeds);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(refusal(runs), "none");
  EXPECT_TRUE(contains(refusal({runs[0], runs[0]}), "two runs named \"rec\" have train.seed 1"));
  std::vector<RunRecord> other = runs;
  other[1].config.optimizer.rate = 0.25;
  EXPECT_TRUE(contains(refusal(other), "optimizer.rate is 1.0 in one and 0.25 in another"));
  other = runs;
  other[1].steps.pop_back();
  EXPECT_TRUE(contains(refusal(other), "stopped at steps 2 and 1"));
  other = runs;
  other[1].evaluations.clear();
  EXPECT_TRUE(contains(refusal(other), "seed 2 of \"rec\" has no evaluation where another seed"));
  other = runs;
  other[1].evaluations["carried"].bytes = 5;
  EXPECT_TRUE(contains(refusal(other), "was evaluated on other text"));
}

TEST(ReportSummary, SeedsThatLieAmongEachOtherAreLevel) {
  const Scratch scratch;
  const RunRecord slide = average_runs(seeds_of(scratch, "slide", false, {2.05, 2.25}));
  const std::string close =
      joined_summary({average_runs(seeds_of(scratch, "near", true, {2.0, 2.1})), slide});
  EXPECT_TRUE(contains(close,
                       "near and slide are level: 2.050 (2.000 to 2.100 by seed) and 2.150 "
                       "(2.050 to 2.250 by seed) bits per byte"))
      << close;
  EXPECT_TRUE(contains(close, "less than their seeds are")) << close;
  EXPECT_TRUE(contains(close, "neither pays nor costs")) << close;
  EXPECT_TRUE(contains(close, "with seeds 1 and 2 each")) << close;
  const std::string apart =
      joined_summary({average_runs(seeds_of(scratch, "far", true, {1.9, 2.0})), slide});
  EXPECT_TRUE(contains(apart, "far is ahead of slide")) << apart;
  EXPECT_TRUE(contains(apart, "pays for itself")) << apart;
}

TEST(RunRecord, EvaluationsMayBeFiledUnderEitherWordForTheCarry) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "run", true, evaluation_json(2, 2));
  write_file_atomically(folder / "evaluation" / "no-state.json", evaluation_json(3, 3));
  write_file_atomically(folder / "evaluation" / "nothing.json", evaluation_json(4, 4));
  const RunRecord record = read_run_record("run", folder);
  EXPECT_EQ(record.evaluation("carried")->bits_per_byte, 2.0);
  EXPECT_EQ(record.evaluation("none")->bits_per_byte, 3.0);
  EXPECT_EQ(record.evaluation("reset")->bits_per_byte, 4.0);
}

TEST(SvgPlot, PointsTellTheirValuesWhenPointedAt) {
  const std::string svg =
      svg_plot({.x_label = "tokens <read>",
                .y_label = "bits per byte",
                .series = {{.label = "a", .points = {{1500, 2.5}, {2.5e6, 2}}},
                           {.label = "pale", .is_faint = true, .points = {{1, 1}, {2, 2}}}}});
  EXPECT_TRUE(contains(svg, "<title>a: 2.5 bits per byte, at 1500 tokens &lt;read&gt;</title>"));
  EXPECT_TRUE(contains(svg, "<title>a: 2 bits per byte, at 2.5M tokens"));
  EXPECT_FALSE(contains(svg, "<title>pale"));
  EXPECT_TRUE(contains(svg, " faint\" d=\"M66.0")) << "the legend shows the pale line pale";
}

TEST(SvgPlot, ALongLineAnswersThePointerAtFortyPlacesOfWhichOneIsItsEnd) {
  PlotSeries series = {.label = "a"};
  for (int i = 1; i <= 1000; ++i) {
    series.points.push_back({static_cast<double>(i), 1.0});
  }
  const std::string svg = svg_plot({.series = {series}});
  size_t titles = 0;
  for (size_t at = svg.find("<title>"); at != std::string::npos; at = svg.find("<title>", at + 1)) {
    ++titles;
  }
  EXPECT_EQ(titles, 40U);
  EXPECT_TRUE(contains(svg, "at 1000 "));
}

TEST(ReportPlots, SeedsMakeABandAndTheirPaleLinesHaveALegend) {
  const Scratch scratch;
  const std::vector<RunRecord> runs = {average_runs(seeds_of(scratch, "rec", true, {2.0, 2.1})),
                                       average_runs(seeds_of(scratch, "xl", false, {2.0, 2.2}))};
  const Plot losses = loss_by_position(runs);
  ASSERT_EQ(losses.series.size(), 2U);
  ASSERT_EQ(losses.series[0].band.size(), 2U);
  EXPECT_EQ(losses.series[0].band[0].low, 2.0);
  EXPECT_EQ(losses.series[0].band[0].high, 2.1);
  EXPECT_TRUE(loss_difference_by_position(runs).series[0].band.empty());
  const Plot curves = learning_curves(runs);
  EXPECT_EQ(curves.series[0].label, "pale: training as logged, not smoothed");
  EXPECT_EQ(curves.series[2].label, "");
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

TEST(Report, NamesTheCoresThatItsProcessMayUse) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "rec", true, evaluation_json(3.0, 2.0));
  const OneCore alone;
  EXPECT_TRUE(contains(render_report({.runs = {{"Rec", folder}}}), ", 1 core to use"));
}

TEST(Report, ListsTheSettingsInWhichRunsDiffer) {
  const Scratch scratch;
  const std::string page = render_report(
      {.runs = {{"rec", make_run(scratch, "rec", true, evaluation_json(3.0, 2.0))},
                {"slide", make_run(scratch, "slide", false, evaluation_json(3.0, 2.0))}}});
  EXPECT_TRUE(contains(page, "<td>model.recurrent_layers</td>"));
  EXPECT_FALSE(contains(page, "<td>model.width</td>"));
}

TEST(Report, SaysWhichLayersAreRecurrentAndShowsSeedsWithTheirSpread) {
  const Scratch scratch;
  seeds_of(scratch, "rec", true, {2.0, 2.1});
  const std::string page = render_report(
      {.runs = {{"Rec", scratch.path() / "rec-1"},
                {"Slide", make_run(scratch, "slide", false, evaluation_json(3.0, 2.0))},
                {"Rec", scratch.path() / "rec-2"}}});
  EXPECT_TRUE(contains(page, ">2 layers, layer 1 recurrent<"));
  EXPECT_TRUE(contains(page, ">2 layers<"));
  EXPECT_TRUE(contains(page, ">2.050<br><small>2.000&ndash;2.100</small>"));
  EXPECT_TRUE(contains(page, "<td>1, 2</td>"));
  EXPECT_LT(page.find(">Rec<"), page.find(">Slide<"));
}

TEST(Report, JoinsTheBrokenLinesOfASample) {
  const Scratch scratch;
  const std::filesystem::path folder = make_run(scratch, "rec", true, evaluation_json(3.0, 2.0));
  const std::string line = "a line of a book that was broken as it had become long";
  write_file_atomically(folder / "sample-prompt.txt", line + "\n" + line + "\n\nShort\nlines ");
  write_file_atomically(folder / "sample.txt", line + "\n  stay\n" + line + "\nwritten");
  const std::string page = render_report({.runs = {{"rec", folder}}});
  EXPECT_TRUE(contains(page, line + " " + line + "\n\nShort\nlines </span>"));
  EXPECT_TRUE(contains(page, line + "\n  stay\n" + line + " written</span>"));
}

TEST(Report, WithoutRunsItIsRefused) { EXPECT_THROW(render_report({}), Error); }

}  // namespace
}  // namespace brt
