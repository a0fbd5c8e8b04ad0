// SPDX-License-Identifier: Apache-2.0
// The project's pages in Markdown: their links, their headings, the rows of their tables.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace brt {

/// `[text](path#anchor)`; path is relative to the page, and empty for the page itself.
struct Link {
  std::string text;
  std::string path;
  std::string anchor;
};

struct PageLine {
  size_t number = 0;
  std::string text;
  std::vector<Link> links;
};

struct Page {
  std::filesystem::path path;   ///< relative to the project's root
  std::vector<PageLine> lines;  ///< but for those between ``` and ```
};

/// The links of a line that lead to files of the project.
inline std::vector<Link> links_of(const std::string& line) {
  static const std::regex pattern(R"(\[([^\[\]]*)\]\(([^()\s#]*)#?([^()\s]*)\))");
  std::vector<Link> links;
  for (std::sregex_iterator match(line.begin(), line.end(), pattern), end; match != end; ++match) {
    const Link link = {(*match)[1].str(), (*match)[2].str(), (*match)[3].str()};
    if (link.path.find(':') == std::string::npos) {  // https:, mailto:
      links.push_back(link);
    }
  }
  return links;
}

inline Page read_page(const std::filesystem::path& path) {
  Page page = {path.lexically_normal(), {}};
  std::istringstream text(read_file(std::filesystem::path(BRT_SOURCE_DIR) / path));
  bool is_listing = false;
  size_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.starts_with("```")) {
      is_listing = !is_listing;
    } else if (!is_listing) {
      page.lines.push_back({number, line, links_of(line)});
    }
  }
  return page;
}

/// Every page of the project: README.md and its like at the root and in the folders below.
inline const std::vector<Page>& all_pages() {
  static const std::vector<Page> pages = [] {
    const std::filesystem::path root = BRT_SOURCE_DIR;
    std::set<std::filesystem::path> paths;
    for (const std::filesystem::path& entry : folder_entries(root)) {
      if (entry.extension() == ".md") {
        paths.insert(entry.lexically_relative(root));
      }
    }
    for (const char* folder : {"bench", "data", "docs", "examples", "recipes", "src", "tests"}) {
      for (const std::filesystem::directory_entry& entry :
           std::filesystem::recursive_directory_iterator(root / folder)) {
        if (entry.path().extension() == ".md") {
          paths.insert(entry.path().lexically_relative(root));
        }
      }
    }
    std::vector<Page> read;
    for (const std::filesystem::path& path : paths) {
      read.push_back(read_page(path));
    }
    return read;
  }();
  return pages;
}

/// Where a link of a page leads, relative to the project's root.
inline std::filesystem::path target_of(const Page& page, const Link& link) {
  return link.path.empty() ? page.path : (page.path.parent_path() / link.path).lexically_normal();
}

/// The anchors of a page's headings, as GitHub makes them: "## Where to read next" is
/// "where-to-read-next", a second one of the same name ends in "-1".
inline std::set<std::string> anchors_of(const Page& page) {
  std::set<std::string> anchors;
  std::map<std::string, int> seen;
  for (const PageLine& line : page.lines) {
    const size_t marks = line.text.find_first_not_of('#');
    if (marks == 0 || marks == std::string::npos || marks > 6 || line.text[marks] != ' ') {
      continue;
    }
    std::string anchor;
    for (const char c : line.text.substr(marks + 1)) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-') {
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    const int count = seen[anchor]++;
    anchors.insert(count == 0 ? anchor : anchor + "-" + std::to_string(count));
  }
  return anchors;
}

/// The first cell of a table's row; empty for any other line.
inline std::string first_cell(const std::string& line) {
  if (!line.starts_with("| ")) {
    return {};
  }
  return line.substr(2, line.find(" |", 2) - 2);
}

/// The name in a link's text if that is code, as in [`Lanes::next`](...); else empty.
inline std::string name_in_code(const Link& link) {
  static const std::regex pattern("`([A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*)`");
  std::smatch match;
  return std::regex_match(link.text, match, pattern) ? match[1].str() : std::string();
}

/// Whether every part of a name such as Lanes::next stands in the text as a whole word.
inline bool has_name(std::string_view text, const std::string& name) {
  const auto is_of_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find("::", begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    bool is_found = false;
    for (size_t at = text.find(part); at != text.npos && !is_found; at = text.find(part, at + 1)) {
      const size_t after = at + part.size();
      is_found = (at == 0 || !is_of_word(text[at - 1])) &&
                 (after == text.size() || !is_of_word(text[after]));
    }
    if (!is_found) {
      return false;
    }
    begin = end + 2;
  }
  return true;
}

}  // namespace brt
