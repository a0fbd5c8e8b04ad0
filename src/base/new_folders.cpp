// SPDX-License-Identifier: Apache-2.0
// Makes folders one level at a time, to know which are new.
#include "base/new_folders.h"

#include <system_error>

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"

namespace brt {
namespace fs = std::filesystem;

NewFolders::NewFolders(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path folder = fs::absolute(path).lexically_normal();
       !fs::exists(folder, error) && folder.has_relative_path(); folder = folder.parent_path()) {
    if (folder.has_filename()) {
      missing.push_back(folder);
    }
  }
  for (size_t i = missing.size(); i > 0 && !error; --i) {
    if (fs::create_directory(missing[i - 1], error)) {
      made_.push_back(missing[i - 1]);
    }
  }
  if (error || !fs::is_directory(path, error)) {
    const std::string reason = error ? error.message() : "a file of that name is there";
    remove_empty();
    throw Error(fmt::format("{}: folder cannot be made: {}", path.string(), reason),
                "give a folder that is there, or one that you may make");
  }
  try {
    for (const fs::path& folder : made_) {
      sync_folder(folder.parent_path());
    }
  } catch (...) {
    remove_empty();
    throw;
  }
}

void NewFolders::remove_empty() noexcept {
  std::error_code ignored;
  while (!made_.empty()) {
    fs::remove(made_.back(), ignored);
    made_.pop_back();
  }
}

}  // namespace brt
