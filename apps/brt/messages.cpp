// SPDX-License-Identifier: Apache-2.0
// Unformatted output through stdio.
#include "messages.h"

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "visible_text.h"

namespace brt {
namespace {

/// The text of a log line, in place of spdlog's own %v.
class VisibleText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message,
              const std::tm& /*time*/,
              spdlog::memory_buf_t& line) override {
    const std::string text = visible_message({message.payload.data(), message.payload.size()});
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<VisibleText>();
  }
};

constexpr char kVisibleText = '*';

}  // namespace

void write_message(std::string_view text) { write_terminal_commands(visible_message(text)); }

void write_terminal_commands(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void set_up_log() {
  spdlog::set_default_logger(spdlog::stderr_color_mt("brt"));
  std::unique_ptr<spdlog::pattern_formatter> lines = std::make_unique<spdlog::pattern_formatter>();
  lines->add_flag<VisibleText>(kVisibleText).set_pattern("%H:%M:%S %^%l%$ %*");
  spdlog::set_formatter(std::move(lines));
}

}  // namespace brt
