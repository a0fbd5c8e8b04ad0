// SPDX-License-Identifier: Apache-2.0
// Layout of the progress line.
#include "progress_bar.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "messages.h"
#include "visible_text.h"

namespace brt {
namespace {

constexpr std::chrono::milliseconds kTerminalInterval(100);
constexpr std::chrono::seconds kLineInterval(5);
constexpr size_t kBarCells = 20;
constexpr size_t kUsualWidth = 80;

size_t terminal_width() {
  winsize size = {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualWidth;
}

/// Three digits and a prefix: 950, 12.3k, 4.56M.
std::string amount_text(double amount) {
  const char* prefixes[] = {"", "k", "M", "G", "T"};
  size_t prefix = 0;
  while (amount >= 999.5 && prefix + 1 < std::size(prefixes)) {
    amount /= 1000;
    ++prefix;
  }
  const int decimals = amount >= 99.95 || (prefix == 0 && amount == std::floor(amount)) ? 0
                       : amount >= 9.995                                                ? 1
                                                                                        : 2;
  return fmt::format("{:.{}f}{}", amount, decimals, prefixes[prefix]);
}

/// "12.3 MB" for bytes, "12.3M tokens" for others.
std::string quantity_text(double amount, const std::string& unit) {
  std::string text = amount_text(amount);
  if (unit != "bytes") {
    return unit.empty() ? text : text + " " + unit;
  }
  const bool has_prefix = text.back() > '9';
  return has_prefix ? text.substr(0, text.size() - 1) + " " + text.back() + "B" : text + " B";
}

std::string duration_text(double seconds) {
  const int64_t whole = std::llround(std::min(seconds, 3.6e8));
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

enum class Group { kTitle, kBar, kAmounts, kFigures };

// What is dropped first on a narrow terminal has the highest rank. Of the figures the first is kept
// longest: callers name the most telling one there.
constexpr int kTitleRank = 0;
constexpr int kTimeRank = 1;
constexpr int kFirstFigureRank = 2;
constexpr int kQuantityRank = 3;
constexpr int kNextFigureRank = 4;
constexpr int kRateRank = 1000;
constexpr int kBarRank = 1001;

struct Part {
  Group group = Group::kTitle;
  int rank = 0;
  std::string text;
};

/// The figures stand between commas.
void add_figures(std::string_view figures, std::vector<Part>& parts) {
  constexpr std::string_view kBetween = ", ";
  int rank = kFirstFigureRank;
  while (!figures.empty()) {
    const size_t end = std::min(figures.find(kBetween), figures.size());
    parts.push_back({Group::kFigures, rank, std::string(figures.substr(0, end))});
    figures.remove_prefix(std::min(end + kBetween.size(), figures.size()));
    rank = rank == kFirstFigureRank ? kNextFigureRank : rank + 1;
  }
}

std::string joined(const std::vector<Part>& parts) {
  std::string line;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && parts[i].group == parts[i - 1].group) {
      line += ", ";
    } else if (i > 0) {
      line += parts[i].group == Group::kFigures ? "  " : " ";
    }
    line += parts[i].text;
  }
  return line;
}

/// The parts that fit, whole; only a title that is too long by itself is cut.
std::string fitted(std::vector<Part> parts, size_t width) {
  std::string line = joined(parts);
  while (line.size() > width && parts.size() > 1) {
    parts.erase(std::ranges::max_element(parts, {}, &Part::rank));
    line = joined(parts);
  }
  return line.substr(0, width);
}

}  // namespace

ProgressBar::ProgressBar(std::string title, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      last_drawn_(begin_) {}

ProgressBar::~ProgressBar() {
  if (line_open_) {
    write_message("\n");
  }
}

void ProgressBar::show(double done, std::string_view figures) {
  done_ = done;
  const Clock::time_point now = Clock::now();
  const Clock::duration interval =
      is_terminal_ ? Clock::duration(kTerminalInterval) : Clock::duration(kLineInterval);
  if (now - last_drawn_ < interval && (drawn_ || !is_terminal_)) {
    if (figures_ != figures) {
      figures_ = figures;
    }
    return;
  }
  figures_ = figures;
  last_drawn_ = now;
  draw();
}

void ProgressBar::draw() {
  drawn_ = true;
  if (is_terminal_) {
    write_terminal_commands(fmt::format("\r{}\x1b[K", visible_message(text(terminal_width() - 1))));
    line_open_ = true;
  } else {
    write_message(fmt::format("{}\n", text(std::string::npos)));
  }
  std::fflush(stderr);
}

std::string ProgressBar::text(size_t width) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double rate = seconds > 0 ? (done_ - first_) / seconds : 0;
  std::vector<Part> parts = {{Group::kTitle, kTitleRank, title_}};
  std::string time = duration_text(seconds);
  if (total_) {
    const double share = *total_ > 0 ? std::clamp(done_ / *total_, 0.0, 1.0) : 1.0;
    parts.front().text += fmt::format(" {:3.0f}%", std::floor(share * 100));
    if (is_terminal_) {
      const size_t cells = static_cast<size_t>(share * static_cast<double>(kBarCells));
      parts.push_back(
          {Group::kBar, kBarRank,
           fmt::format("[{}{}]", std::string(cells, '#'), std::string(kBarCells - cells, '.'))});
    }
    if (finished_ || share >= 1) {
      time = "took " + time;
    } else {
      time = rate > 0 ? duration_text((*total_ - done_) / rate) + " left" : "";
    }
  }
  parts.push_back({Group::kAmounts, kQuantityRank, quantity_text(done_, unit_)});
  if (rate > 0) {
    parts.push_back({Group::kAmounts, kRateRank, quantity_text(rate, unit_) + "/s"});
  }
  if (!time.empty()) {
    parts.push_back({Group::kAmounts, kTimeRank, time});
  }
  add_figures(figures_, parts);
  return fitted(std::move(parts), width);
}

void ProgressBar::print_line(std::string_view line) {
  if (line_open_) {
    write_terminal_commands("\r\x1b[K");
    line_open_ = false;
  }
  write_message(fmt::format("{}\n", line));
  if (is_terminal_ && drawn_ && !finished_) {
    draw();
  }
}

void ProgressBar::finish() {
  if (finished_) {
    return;
  }
  finished_ = true;
  draw();
  if (line_open_) {
    write_message("\n");
    line_open_ = false;
  }
}

}  // namespace brt
