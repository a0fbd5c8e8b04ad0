// SPDX-License-Identifier: Apache-2.0
// Scales, ticks, lines and legend of svg_plot.h.
#include "report/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "report/html_text.h"

namespace brt {
namespace {

constexpr int kPaletteSize = 6;

// Pixels of the drawing, which the page scales.
constexpr double kWidth = 760.0;
constexpr double kHeight = 350.0;
constexpr double kLeft = 66.0;
constexpr double kRight = 20.0;
constexpr double kTop = 44.0;
constexpr double kBottom = 52.0;
constexpr double kLegendRow = 20.0;
constexpr double kCharacter = 7.2;  // width of a legend's character at its 13 pixels, roughly

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return !(low <= high); }
};

/// Maps data to pixels.
struct Frame {
  Range x;
  Range y;
  bool has_log_x = false;
  double top = kTop;

  double bottom() const { return kHeight - kBottom; }
  double pixel_x(double value) const {
    const double fraction = has_log_x ? std::log2(value / x.low) / std::log2(x.high / x.low)
                                      : (value - x.low) / (x.high - x.low);
    return kLeft + fraction * (kWidth - kLeft - kRight);
  }
  double pixel_y(double value) const {
    return bottom() - (value - y.low) / (y.high - y.low) * (bottom() - top);
  }
};

bool is_shown(const Plot& plot, double x, double y) {
  return std::isfinite(x) && std::isfinite(y) && (!plot.has_log_x || x > 0.0);
}

void widen_if_flat(Range& range) {
  if (range.high - range.low < 1e-12 * std::max(1.0, std::abs(range.high))) {
    const double margin = range.high == 0.0 ? 1.0 : 0.05 * std::abs(range.high);
    range.low -= margin;
    range.high += margin;
  }
}

Range range_of_y(const Plot& plot) {
  Range y;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      if (is_shown(plot, point.x, point.y)) {
        y.include(point.y);
      }
    }
    for (const PlotBandPoint& point : series.band) {
      if (is_shown(plot, point.x, point.low) && is_shown(plot, point.x, point.high)) {
        y.include(point.low);
        y.include(point.high);
      }
    }
  }
  if (y.is_empty()) {
    return y;
  }
  if (plot.has_zero_line) {
    y.include(0.0);
  }
  if (plot.largest_y && *plot.largest_y > y.low) {
    y.high = std::min(y.high, *plot.largest_y);
  }
  widen_if_flat(y);
  const double margin = 0.04 * (y.high - y.low);
  return {y.low - margin, y.high + margin};
}

Range range_of_x(const Plot& plot) {
  Range x;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      if (is_shown(plot, point.x, point.y)) {
        x.include(point.x);
      }
    }
  }
  if (!x.is_empty()) {
    if (plot.has_log_x) {
      x.low /= 1.2;
      x.high *= 1.2;
    } else {
      widen_if_flat(x);
    }
  }
  return x;
}

/// Powers of two, thinned out to at most about ten.
std::vector<double> log_ticks(const Range& range) {
  const double first = std::ceil(std::log2(range.low));
  const double last = std::floor(std::log2(range.high));
  const double step = std::max(1.0, std::ceil((last - first) / 10.0));
  std::vector<double> ticks;
  for (double exponent = first; exponent <= last; exponent += step) {
    ticks.push_back(std::exp2(exponent));
  }
  return ticks;
}

/// A power of two as lengths are written: 512, 1k, 64k, 1M.
std::string power_of_two_text(double value) {
  if (value >= 1048576.0) {
    return fmt::format("{:.4g}M", value / 1048576.0);
  }
  return value >= 1024.0 ? fmt::format("{:.4g}k", value / 1024.0) : fmt::format("{:.4g}", value);
}

std::string axis_text(const Plot& plot, const Frame& frame) {
  std::string svg;
  for (const double value : linear_ticks(frame.y.low, frame.y.high, 6)) {
    const double y = frame.pixel_y(value);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
        kLeft, y, kWidth - kRight, y, kLeft - 8, y + 4, tick_text(value));
  }
  const std::vector<double> ticks =
      frame.has_log_x ? log_ticks(frame.x) : linear_ticks(frame.x.low, frame.x.high, 8);
  for (const double value : ticks) {
    const double x = frame.pixel_x(value);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
        x, frame.top, x, frame.bottom(), x, frame.bottom() + 18,
        frame.has_log_x ? power_of_two_text(value) : tick_text(value));
  }
  if (plot.has_zero_line) {
    const double y = frame.pixel_y(0.0);
    svg += fmt::format(
        "<line class=\"zero\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
        y, kWidth - kRight, y);
  }
  const double middle_y = (frame.top + frame.bottom()) / 2;
  return svg + fmt::format(
                   "<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
                   "height=\"{:.1f}\"/>\n"
                   "<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" "
                   "text-anchor=\"middle\">{}</text>\n"
                   "<text class=\"label\" transform=\"translate(16 {:.1f}) rotate(-90)\" "
                   "text-anchor=\"middle\">{}</text>\n",
                   kLeft, frame.top, kWidth - kLeft - kRight, frame.bottom() - frame.top,
                   (kLeft + kWidth - kRight) / 2, kHeight - 12, escape_html(plot.x_label), middle_y,
                   escape_html(plot.y_label));
}

std::string_view style_class(LineStyle style) {
  switch (style) {
    case LineStyle::kDashed:
      return " dashed";
    case LineStyle::kDotted:
      return " dotted";
    case LineStyle::kSolid:
      break;
  }
  return "";
}

std::string band_text(const Plot& plot, const Frame& frame, const PlotSeries& series) {
  std::string forth;
  std::string back;
  for (const PlotBandPoint& point : series.band) {
    if (is_shown(plot, point.x, point.low) && is_shown(plot, point.x, point.high)) {
      const double x = frame.pixel_x(point.x);
      forth += fmt::format("{:.1f},{:.1f} ", x, frame.pixel_y(point.high));
      back.insert(0, fmt::format("{:.1f},{:.1f} ", x, frame.pixel_y(point.low)));
    }
  }
  return forth.empty() ? ""
                       : fmt::format("<polygon class=\"band f{}\" points=\"{}{}\"/>\n",
                                     series.color % kPaletteSize, forth, back);
}

/// A number as a reader wants it beside the pointer: positions whole, figures to four digits.
std::string place_text(double value) {
  return std::abs(value) >= 1e6 || std::abs(value) < 100 ? tick_text(value)
                                                         : fmt::format("{:.0f}", value);
}

/// A point that shows its values when pointed at. Without a marker it is seen only then.
std::string point_text(const Plot& plot,
                       const Frame& frame,
                       const PlotSeries& series,
                       const PlotPoint& point) {
  return fmt::format(
      "<g class=\"point\"><circle class=\"hit\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"8\"/>"
      "<circle class=\"f{2}{3}\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"3\"/>"
      "<title>{4}{5}{6:.4g} {7}, at {8} {9}</title></g>",
      frame.pixel_x(point.x), frame.pixel_y(point.y), series.color % kPaletteSize,
      series.has_markers ? "" : " unseen", escape_html(series.label),
      series.label.empty() ? "" : ": ", point.y, escape_html(plot.y_label), place_text(point.x),
      escape_html(plot.x_label));
}

/// Points of a series that answer the pointer: all with markers, else some along the line.
std::string points_text(const Plot& plot, const Frame& frame, const PlotSeries& series) {
  constexpr size_t kMostOnALine = 40;
  std::vector<PlotPoint> shown;
  std::ranges::copy_if(series.points, std::back_inserter(shown), [&plot](const PlotPoint& point) {
    return is_shown(plot, point.x, point.y);
  });
  const size_t every = series.has_markers ? 1 : (shown.size() + kMostOnALine - 1) / kMostOnALine;
  std::string svg;
  for (size_t index = 0; !series.is_faint && index < shown.size(); index += every) {
    // The last ones, not the first: the end of a curve is what is asked for.
    svg += point_text(plot, frame, series, shown[shown.size() - 1 - index]);
  }
  return svg;
}

std::string line_text(const Plot& plot, const Frame& frame, const PlotSeries& series) {
  std::string path;
  bool is_pen_down = false;
  for (const PlotPoint& point : series.points) {
    if (!is_shown(plot, point.x, point.y)) {
      is_pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", is_pen_down ? 'L' : 'M', frame.pixel_x(point.x),
                        frame.pixel_y(point.y));
    is_pen_down = true;
  }
  return fmt::format("<path class=\"line s{}{}{}\" d=\"{}\"/>\n", series.color % kPaletteSize,
                     style_class(series.style), series.is_faint ? " faint" : "", path);
}

/// Legend entries in rows below the title, and the height they take.
struct Legend {
  std::string svg;
  double height = 0.0;
};

Legend make_legend(const Plot& plot) {
  constexpr double kSwatch = 34.0;
  constexpr double kGap = 22.0;
  Legend legend;
  double x = kLeft;
  double y = kTop;
  for (const PlotSeries& series : plot.series) {
    if (series.label.empty()) {
      continue;
    }
    const double width = kSwatch + kCharacter * static_cast<double>(series.label.size()) + kGap;
    if (x > kLeft && x + width > kWidth) {
      x = kLeft;
      y += kLegendRow;
    }
    const int color = series.color % kPaletteSize;
    legend.svg += fmt::format(
        "<path class=\"line s{}{}{}\" d=\"M{:.1f} {:.1f}h26\"/>{}"
        "<text class=\"legend\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        color, style_class(series.style), series.is_faint ? " faint" : "", x, y - 4,
        series.has_markers
            ? fmt::format("<circle class=\"f{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", color,
                          x + 13, y - 4)
            : "",
        x + kSwatch, y, escape_html(series.label));
    x += width;
  }
  legend.height = legend.svg.empty() ? 0.0 : y - kTop + kLegendRow;
  return legend;
}

/// The data, cut off at the frame; a nested <svg> clips without needing a name.
std::string data_text(const Plot& plot, const Frame& frame) {
  std::string svg = fmt::format(
      "<svg x=\"{0:.1f}\" y=\"{1:.1f}\" width=\"{2:.1f}\" height=\"{3:.1f}\" "
      "viewBox=\"{0:.1f} {1:.1f} {2:.1f} {3:.1f}\">\n",
      kLeft, frame.top, kWidth - kLeft - kRight, frame.bottom() - frame.top);
  for (const PlotSeries& series : plot.series) {
    svg += band_text(plot, frame, series);
  }
  for (const bool faint : {true, false}) {
    for (const PlotSeries& series : plot.series) {
      svg += series.is_faint == faint ? line_text(plot, frame, series) : "";
    }
  }
  for (const PlotSeries& series : plot.series) {
    svg += points_text(plot, frame, series);  // above every line, to be reached
  }
  return svg + "</svg>\n";
}

}  // namespace

std::vector<double> linear_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double fraction = rough / power;
  const double step = power * (fraction <= 1.0   ? 1.0
                               : fraction <= 2.0 ? 2.0
                               : fraction <= 5.0 ? 5.0
                                                 : 10.0);
  std::vector<double> ticks;
  for (double index = std::ceil(low / step); index * step <= high; ++index) {
    ticks.push_back(index * step);
  }
  return ticks;
}

std::string tick_text(double value) {
  if (std::abs(value) < 1e-12) {
    return "0";
  }
  if (std::abs(value) >= 1e6) {
    return fmt::format("{:.4g}M", value / 1e6);
  }
  if (std::abs(value) >= 1e4) {
    return fmt::format("{:.4g}k", value / 1e3);
  }
  return fmt::format("{:.4g}", value);
}

std::string svg_plot(const Plot& plot) {
  const Legend legend = make_legend(plot);
  const Frame frame = {.x = range_of_x(plot),
                       .y = range_of_y(plot),
                       .has_log_x = plot.has_log_x,
                       .top = kTop - 12 + legend.height};
  std::string svg = fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n"
      "<text class=\"title\" x=\"{}\" y=\"20\">{}</text>\n",
      kWidth, kHeight, escape_html(plot.title), kLeft, escape_html(plot.title));
  if (frame.x.is_empty() || frame.y.is_empty()) {
    return svg +
           fmt::format(
               "<text class=\"label\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">no data</text>\n"
               "</svg>\n",
               kWidth / 2, kHeight / 2);
  }
  return svg + legend.svg + axis_text(plot, frame) + data_text(plot, frame) + "</svg>\n";
}

std::string svg_plot_style() {
  return R"(:root { --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b0559a; --c4: #b8860b; --c5: #56b4e9; }
@media (prefers-color-scheme: dark) {
  :root { --c0: #56b4e9; --c1: #ff9340; --c2: #2fcfa0; --c3: #e79fcb; --c4: #f0e442; --c5: #9fb3ff; }
}
.plot { width: 100%; height: auto; display: block; }
.plot text { font-family: inherit; fill: var(--text); }
.plot .title { font-size: 15px; font-weight: 600; }
.plot .legend { font-size: 13px; }
.plot .label { font-size: 13px; fill: var(--muted); }
.plot .tick { font-size: 12px; fill: var(--muted); font-variant-numeric: tabular-nums; }
.plot .grid { stroke: var(--grid); stroke-width: 1; }
.plot .zero { stroke: var(--muted); stroke-width: 1.2; }
.plot .frame { fill: none; stroke: var(--border); stroke-width: 1; }
.plot .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: butt; }
.plot .dashed { stroke-dasharray: 7 4; }
.plot .dotted { stroke-dasharray: 2.5 2.5; }
.plot .faint { stroke-width: 1; opacity: 0.3; }
.plot .band { opacity: 0.16; }
.plot .hit { fill: none; pointer-events: all; }
.plot .unseen { opacity: 0; }
.plot .point:hover .unseen { opacity: 1; }
.plot .point:hover .hit { stroke: var(--muted); }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); }
.s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
.f0 { fill: var(--c0); } .f1 { fill: var(--c1); } .f2 { fill: var(--c2); }
.f3 { fill: var(--c3); } .f4 { fill: var(--c4); } .f5 { fill: var(--c5); }
)";
}

}  // namespace brt
