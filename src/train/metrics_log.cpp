// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: one JSON object per logged step.
#include "train/metrics_log.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"

namespace brt {
namespace {

bool is_line_up_to(std::string_view line, int64_t last_step) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("step") && json["step"].is_number_integer() &&
         json["step"].get<int64_t>() <= last_step;
}

/// Length of the leading lines that stay.
size_t kept_bytes(std::string_view text, int64_t last_step) {
  size_t kept = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', kept)) {
    if (!is_line_up_to(text.substr(kept, end - kept), last_step)) {
      break;
    }
    kept = end + 1;
  }
  return kept;
}

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw Error(fmt::format("{}: cannot be {}: {}", path.string(), what, std::strerror(errno)));
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, int64_t last_step) : path_(path) {
  if (std::filesystem::exists(path)) {
    const std::string text = read_file(path);
    const size_t kept = kept_bytes(text, last_step);
    if (kept != text.size()) {
      write_file_atomically(path, std::string_view(text).substr(0, kept));
    }
  }
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    fail(path_, "opened");
  }
}

MetricsLog::~MetricsLog() { ::close(descriptor_); }

void MetricsLog::append(const std::string& json) {
  const std::string line = json + "\n";
  size_t written = 0;
  while (written < line.size()) {
    const ssize_t count = ::write(descriptor_, line.data() + written, line.size() - written);
    if (count < 0 && errno != EINTR) {
      fail(path_, "written");
    }
    written += count > 0 ? static_cast<size_t>(count) : 0;
  }
}

void MetricsLog::sync() {
  if (::fdatasync(descriptor_) != 0) {
    fail(path_, "flushed to disk");
  }
}

}  // namespace brt
