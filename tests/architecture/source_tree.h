// SPDX-License-Identifier: Apache-2.0
// The files of the project as text, for tests of how they stand to each other.
#pragma once

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "base/files.h"

namespace brt {

struct SourceFile {
  std::filesystem::path path;  ///< relative to the project's root
  std::string module;          ///< folder below src, or "apps"
  std::string text;
};

/// Every header and source below the given folders, by path.
inline std::vector<SourceFile> read_tree(const std::vector<std::string>& folders) {
  const std::filesystem::path root = BRT_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    for (const std::filesystem::directory_entry& entry :
         std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (entry.is_regular_file() && (extension == ".h" || extension == ".cpp")) {
        const std::filesystem::path path = entry.path().lexically_relative(root);
        const std::string module = folder == "src" ? std::next(path.begin())->string() : folder;
        files.push_back({path, module, read_file(entry.path())});
      }
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

inline const std::vector<SourceFile>& program_files() {
  static const std::vector<SourceFile> files = read_tree({"src", "apps"});
  return files;
}

/// The names in `#include "..."` or `#include <...>`, by the opening mark.
inline std::vector<std::string> includes(const SourceFile& file, char opening) {
  static const std::regex quoted("^[ \t]*#[ \t]*include[ \t]*\"([^\"]*)\"", std::regex::multiline);
  static const std::regex angled("^[ \t]*#[ \t]*include[ \t]*<([^>]*)>", std::regex::multiline);
  const std::regex& pattern = opening == '"' ? quoted : angled;
  std::vector<std::string> names;
  for (std::sregex_iterator match(file.text.begin(), file.text.end(), pattern), end; match != end;
       ++match) {
    names.push_back((*match)[1].str());
  }
  return names;
}

}  // namespace brt
