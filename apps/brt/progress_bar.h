// SPDX-License-Identifier: Apache-2.0
// How far a long piece of work is, on stderr: one line redrawn on a terminal, a line now and then
// elsewhere.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace brt {

template <class T>
concept ProgressNumber = std::is_arithmetic_v<T>;

/// Shows title, percent, bar, rate, time left and figures, a text with commas between them. On a
/// terminal too narrow for all, what matters least is left out: bar, rate, the last figures first.
///
///   ProgressBar bar("training", "tokens", total_tokens);
///   bar.update(tokens_so_far, "loss 1.234");     // as often as you like; draws at most 10 times a
///   second bar.finish();
///
/// Without a total: amount, rate and time spent. The unit "bytes" is shown in kB, MB, GB.
class ProgressBar {
 public:
  ProgressBar(std::string title, std::string unit);
  template <ProgressNumber T>
  ProgressBar(std::string title, std::string unit, T total)
      : ProgressBar(std::move(title), std::move(unit)) {
    total_ = static_cast<double>(total);
  }
  /// Leaves the terminal's line as it is, closed; finish() is for work that came to its end.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Where the work stands at the beginning, if it is resumed: the rate counts from there.
  template <ProgressNumber T>
  void start_at(T done) {
    first_ = done_ = static_cast<double>(done);
  }
  template <ProgressNumber T>
  void update(T done, std::string_view figures = {}) {
    show(static_cast<double>(done), figures);
  }
  /// Prints a line of its own above the bar.
  void print_line(std::string_view line);
  /// Shows the last state and closes the line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string title_;
  std::string unit_;
  std::optional<double> total_;
  bool is_terminal_;
  double first_ = 0;
  double done_ = 0;
  std::string figures_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_drawn_;
  bool drawn_ = false;      ///< something has been shown
  bool line_open_ = false;  ///< the cursor stands in the bar's line
  bool finished_ = false;

  void show(double done, std::string_view figures);
  void draw();
  std::string text(size_t width) const;
};

}  // namespace brt
