// SPDX-License-Identifier: Apache-2.0
// Line plots as inline SVG, styled by the classes of svg_plot_style() so that the page's colours
// (light or dark) apply.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace brt {

enum class LineStyle { kSolid, kDashed, kDotted };

struct PlotPoint {
  double x = 0.0;
  double y = 0.0;
};

/// The area between two curves over the same x.
struct PlotBandPoint {
  double x = 0.0;
  double low = 0.0;
  double high = 0.0;
};

struct PlotSeries {
  std::string label = {};  ///< empty: not in the legend
  int color = 0;           ///< index into the palette, taken modulo its size
  LineStyle style = LineStyle::kSolid;
  bool has_markers = false;
  bool is_faint = false;                 ///< drawn pale, behind the others
  std::vector<PlotPoint> points = {};    ///< points that are not finite break the line
  std::vector<PlotBandPoint> band = {};  ///< may be empty
};

struct Plot {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  bool has_log_x = false;  ///< points with x <= 0 are left out
  bool has_zero_line = false;
  std::optional<double> largest_y = {};  ///< what lies above is cut off
  std::vector<PlotSeries> series = {};
};

/// Round numbers that cover [low, high] in about `count` steps (1, 2 or 5 times a power of ten).
std::vector<double> linear_ticks(double low, double high, int count);

/// A number as an axis shows it: 0.25, 128, 4k, 1.5M.
std::string tick_text(double value);

/// An <svg> element of fixed proportions that scales with the page; a plot without any finite point
/// says so. Points show their values when pointed at.
std::string svg_plot(const Plot& plot);

/// CSS for the elements of svg_plot, with the palette (after Okabe and Ito, told apart by the
/// colour-blind) for light and dark pages.
std::string svg_plot_style();

}  // namespace brt
