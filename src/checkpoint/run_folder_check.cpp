// SPDX-License-Identifier: Apache-2.0
// A run writes config.toml, metrics.jsonl and more: others may have files of such names.
#include "checkpoint/run_folder_check.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoints.h"
#include "config/run_config.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "config.toml";

[[noreturn]] void refuse(const fs::path& folder, const std::string& what) {
  throw Error(
      fmt::format("{}: holds {}, so it cannot be the folder of a run", folder.string(), what),
      fmt::format("give a new or empty folder, such as {}", (folder / "run").string()));
}

void refuse_known_others(const fs::path& folder) {
  static const std::map<std::string, std::string> others = {{"dataset.json", "prepared data"},
                                                            {"config.json", "a model"},
                                                            {"manifest.json", "a checkpoint"}};
  for (const auto& [name, kind] : others) {
    std::error_code error;
    if (fs::exists(folder / name, error)) {
      refuse(folder, kind);
    }
  }
}

/// Whether it is the file that standard output or error goes to: `brt train --run r 2>r/log`.
bool takes_our_messages(const fs::path& path) {
  struct stat named = {};
  if (::stat(path.c_str(), &named) != 0 || !S_ISREG(named.st_mode)) {
    return false;
  }
  return std::ranges::any_of(std::vector<int>{STDOUT_FILENO, STDERR_FILENO}, [&](int descriptor) {
    struct stat opened = {};
    return ::fstat(descriptor, &opened) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
  });
}

/// Whether a file says nothing about whose folder it is. A run touches none but its lock.
bool is_of_no_account(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") || name == "run.lock" || name == "lost+found" ||
         name.starts_with(std::string(kConfigName) + ".partial-") || takes_our_messages(path);
}

/// Names in a folder that is there, but those of no account.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::path& path : folder_entries(folder)) {
    if (!is_of_no_account(path)) {
      names.push_back(path.filename().string());
    }
  }
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 3;
  const std::span<const std::string> shown = std::span(names).first(std::min(names.size(), kMost));
  return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > kMost ? ", ..." : "");
}

}  // namespace

void check_run_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::status_known(status)) {
    throw Error(fmt::format("{}: cannot be read: {}", folder.string(), error.message()),
                "check the permissions of the folders above it");
  }
  if (!fs::is_directory(status)) {
    return;  // who makes the folder complains of a file in its place
  }
  refuse_known_others(folder);
  const std::vector<std::string> names = names_in(folder);
  if (names.empty() || !list_checkpoints(folder).empty()) {
    return;
  }
  const bool has_config = std::ranges::find(names, kConfigName) != names.end();
  if (has_config && is_run_config_text(read_file(folder / kConfigName))) {
    return;
  }
  refuse(folder, fmt::format("{} and no run of brt", listed(names)));
}

}  // namespace brt
