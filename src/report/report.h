// SPDX-License-Identifier: Apache-2.0
// One HTML page that compares runs: words, a table, curves, text samples, settings.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace brt {

struct ReportRun {
  std::string name = {};
  std::filesystem::path folder = {};
};

struct ReportOptions {
  std::vector<ReportRun> runs = {};  ///< those of one name are seeds of one model
  std::string title = "Training report";
  std::string note = {};  ///< shown below the title; may be empty
};

/// The page as text: complete in itself (styles and plots inside), without scripts, for light and
/// dark screens. @throws Error if there is no run or one cannot be read, or if runs of one name are
/// not seeds of one model (run_average.h).
std::string render_report(const ReportOptions& options);

}  // namespace brt
