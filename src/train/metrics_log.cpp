// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: one JSON object per logged step.
#include "train/metrics_log.h"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

/// The step of a line, if it is a whole object with one.
std::optional<int64_t> step_of(std::string_view line) {
  const nlohmann::json json = try_bounded_json<nlohmann::json>(line).value_or(nlohmann::json());
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_unsigned() ||
      !std::in_range<int64_t>(json["step"].get<uint64_t>())) {
    return std::nullopt;
  }
  return json["step"].get<int64_t>();
}

/// Line 7 as it stands in a message: what a terminal would not show plainly is a question mark.
std::string shown_line(size_t number, std::string_view line) {
  constexpr size_t kMostBytes = 40;
  std::string text(line.substr(0, kMostBytes));
  for (char& letter : text) {
    letter = letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return fmt::format("line {} ({}{})", number, text, line.size() > kMostBytes ? "..." : "");
}

struct Sorted {
  std::string kept;
  std::vector<std::string> unreadable;
};

Sorted sort_lines(std::string_view text, int64_t last_step) {
  Sorted sorted;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const std::optional<int64_t> step = step_of(line);
    ++number;
    if (!step) {
      sorted.unreadable.push_back(shown_line(number, line));
    } else if (*step <= last_step) {
      sorted.kept.append(line).append("\n");
    }
    begin = end + 1;
  }
  return sorted;
}

std::string dropped_text(const std::filesystem::path& path,
                         const std::vector<std::string>& unreadable) {
  constexpr size_t kMost = 5;
  if (unreadable.empty()) {
    return "";
  }
  const std::vector<std::string> first(unreadable.begin(),
                                       unreadable.begin() + std::min(unreadable.size(), kMost));
  return fmt::format(
      "{}: dropped what is no record of a step: {}{}", path.string(), fmt::join(first, ", "),
      unreadable.size() > kMost ? fmt::format(" and {} more lines", unreadable.size() - kMost)
                                : "");
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, int64_t last_step) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    const std::string text = read_file(path);
    const Sorted sorted = sort_lines(text, last_step);
    dropped_ = dropped_text(path, sorted.unreadable);
    if (sorted.kept != text) {
      write_file_atomically(path, sorted.kept);
    }
  }
  const int descriptor = retried(
      [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666); });
  if (descriptor < 0) {
    throw Error(fmt::format("{}: cannot be opened: {}", path.string(), std::strerror(errno)));
  }
  file_.emplace(path, descriptor);
}

}  // namespace brt
