// SPDX-License-Identifier: Apache-2.0
// Walks the folders among the inputs.
#include "data/input_list.h"

#include <algorithm>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "data/file_format.h"

namespace brt {
namespace fs = std::filesystem;
namespace {

fs::file_status status_of(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    const bool is_link = fs::is_symlink(fs::symlink_status(path, error));
    throw DataError(fmt::format("{}: {}", path.string(),
                                is_link ? "symbolic link leads nowhere" : "no such file or folder"),
                    "check the path; a relative one begins at the folder of the command");
  }
  if (status.type() == fs::file_type::none || status.type() == fs::file_type::unknown) {
    throw DataError(fmt::format("{}: cannot be examined: {}", path.string(), error.message()));
  }
  return status;
}

/// Collects the files below one folder.
class FolderWalk {
 public:
  FolderWalk(const fs::path& root, PassedOver& passed_over)
      : root_(root), passed_over_(passed_over) {
    enter(root);
    std::sort(files_.begin(), files_.end(),
              [](const InputFile& a, const InputFile& b) { return a.name < b.name; });
  }
  std::vector<InputFile>& files() { return files_; }

 private:
  fs::path root_;
  PassedOver& passed_over_;
  std::vector<fs::path> above_;  ///< real paths of the folders we are in
  std::vector<InputFile> files_;

  void enter(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    fs::directory_iterator entries;
    if (!error) {
      entries = fs::directory_iterator(folder, error);
    }
    if (error) {
      throw DataError(
          fmt::format("{}: folder cannot be read: {}", folder.string(), error.message()));
    }
    if (std::find(above_.begin(), above_.end(), real) != above_.end()) {
      throw DataError(fmt::format("{}: symbolic link leads back to a folder above it, {}",
                                  folder.string(), real.string()),
                      "remove the link, or name the folders to read one by one");
    }
    above_.push_back(real);
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      visit(entries->path());
    }
    if (error) {
      throw DataError(
          fmt::format("{}: folder cannot be read: {}", folder.string(), error.message()));
    }
    above_.pop_back();
  }

  void visit(const fs::path& path) {
    if (is_hidden_path(path.filename().string())) {
      ++passed_over_.hidden;
      return;
    }
    const fs::file_status status = status_of(path);
    if (fs::is_directory(status)) {
      enter(path);
    } else if (fs::is_regular_file(status)) {
      files_.push_back({path, path.lexically_relative(root_).generic_string(), /*named=*/false});
    } else {
      ++passed_over_.special;
    }
  }
};

}  // namespace

std::vector<InputFile> list_inputs(const std::vector<std::string>& inputs,
                                   PassedOver& passed_over) {
  if (inputs.empty()) {
    throw DataError("no input given", "name files, folders or - for standard input");
  }
  if (std::count(inputs.begin(), inputs.end(), "-") > 1) {
    throw DataError("standard input (-) can be read once only, it is named twice");
  }
  std::vector<InputFile> files;
  for (const std::string& input : inputs) {
    if (input == "-") {
      files.push_back({"-", "stdin", /*named=*/true});
      continue;
    }
    const fs::path path(input);
    if (!fs::is_directory(status_of(path))) {
      files.push_back({path, path.filename().string(), /*named=*/true});
      continue;
    }
    FolderWalk walk(path, passed_over);
    std::move(walk.files().begin(), walk.files().end(), std::back_inserter(files));
  }
  return files;
}

}  // namespace brt
