// SPDX-License-Identifier: Apache-2.0
// Layout of the progress line.
#include "progress_bar.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "messages.h"

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
    write_message(fmt::format("\r{}\x1b[K", text(terminal_width() - 1)));
    line_open_ = true;
  } else {
    write_message(fmt::format("{}\n", text(std::string::npos)));
  }
  std::fflush(stderr);
}

std::string ProgressBar::text(size_t width) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double rate = seconds > 0 ? (done_ - first_) / seconds : 0;
  const std::string quantity = quantity_text(done_, unit_);
  const std::string rate_text = rate > 0 ? ", " + quantity_text(rate, unit_) + "/s" : "";
  std::string line = title_;
  if (total_) {
    const double share = *total_ > 0 ? std::clamp(done_ / *total_, 0.0, 1.0) : 1.0;
    line += fmt::format(" {:3.0f}%", std::floor(share * 100));
    if (is_terminal_) {
      const size_t cells = static_cast<size_t>(share * static_cast<double>(kBarCells));
      line += fmt::format(" [{}{}]", std::string(cells, '#'), std::string(kBarCells - cells, '.'));
    }
    line += " " + quantity + rate_text;
    if (finished_ || share >= 1) {
      line += ", took " + duration_text(seconds);
    } else if (rate > 0) {
      line += ", " + duration_text((*total_ - done_) / rate) + " left";
    }
  } else {
    line += " " + quantity + rate_text + ", " + duration_text(seconds);
  }
  if (!figures_.empty()) {
    line += "  " + figures_;
  }
  return line.substr(0, width);
}

void ProgressBar::print_line(std::string_view line) {
  if (line_open_) {
    write_message("\r\x1b[K");
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
