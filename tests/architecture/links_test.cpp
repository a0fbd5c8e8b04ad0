// SPDX-License-Identifier: Apache-2.0
// Follows the links of the pages: they lead to what they name, and from README.md to the code of
// every concept of the paper.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "architecture/markdown.h"
#include "base/files.h"

namespace brt {
namespace {

/// A concept in the words of docs/paper-map.md, where a row of a table begins with it, and the
/// names that its row must link to.
struct Concept {
  const char* words;
  const char* in_training;
  const char* in_engine;  ///< nullptr: the engine has none
};

// When code moves, the row of docs/paper-map.md and its line here move along.
constexpr Concept kConcepts[] = {
    {"window mask", "causal_window_mask", "StreamAttention::softmax"},
    {"position bias", "position_bias", "LayerReader::position_bias"},
    {"fixed gate", "fixed_gate", "apply_fixed_gate"},
    {"lstm gate", "lstm_gate", "apply_lstm_gate"},
    {"skip cell", "RecurrentCellImpl::skip", "StateUpdate::gate_attended"},
    {"state ids", "RecurrentCellImpl::project_state", "add_state_ids"},
    {"block feedback", "LanguageModelImpl::read_pieces", "Engine::Impl::plan_step"},
    {"adafactor", "Adafactor::update", nullptr},
    {"carry reset", "LanguageModelImpl::begin_documents", "Engine::begin"},
};

std::filesystem::path below_root(const std::filesystem::path& path) {
  return std::filesystem::path(BRT_SOURCE_DIR) / path;
}

std::string location(const Page& page, const PageLine& line) {
  return page.path.string() + ":" + std::to_string(line.number);
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// README.md and the pages that it links to.
std::vector<Page> pages_within_one_hop() {
  const Page readme = read_page("README.md");
  std::vector<Page> pages = {readme};
  for (const PageLine& line : readme.lines) {
    for (const Link& link : line.links) {
      const std::filesystem::path target = target_of(readme, link);
      if (target.extension() == ".md" && std::filesystem::exists(below_root(target))) {
        pages.push_back(read_page(target));
      }
    }
  }
  return pages;
}

/// The file that a row about `words` links to under `name`; nothing if there is no such row.
std::optional<std::filesystem::path> file_of(std::string_view words, const std::string& name) {
  for (const Page& page : pages_within_one_hop()) {
    for (const PageLine& line : page.lines) {
      if (!lower_case(first_cell(line.text)).starts_with(words)) {
        continue;
      }
      for (const Link& link : line.links) {
        if (name_in_code(link) == name) {
          return target_of(page, link);
        }
      }
    }
  }
  return std::nullopt;
}

void expect_two_hops(const Concept& wanted, const std::string& name) {
  const std::optional<std::filesystem::path> file = file_of(wanted.words, name);
  ASSERT_TRUE(file) << "no page that README.md links to has a row that begins with \""
                    << wanted.words << "\" and links to `" << name << "`";
  ASSERT_TRUE(std::filesystem::exists(below_root(*file))) << *file;
  EXPECT_TRUE(has_name(read_file(below_root(*file)), name)) << *file << " has no " << name;
}

TEST(Links, PagesAreRead) {
  EXPECT_GT(all_pages().size(), 5u);
  EXPECT_GT(pages_within_one_hop().size(), 3u);
}

TEST(Links, LeadToFilesThatExist) {
  for (const Page& page : all_pages()) {
    for (const PageLine& line : page.lines) {
      for (const Link& link : line.links) {
        const std::filesystem::path target = target_of(page, link);
        EXPECT_TRUE(std::filesystem::exists(below_root(target)))
            << location(page, line) << " links to " << target;
        EXPECT_FALSE(target.string().starts_with(".."))
            << location(page, line) << " links out of the project";
      }
    }
  }
}

TEST(Links, AnchorsAreHeadings) {
  for (const Page& page : all_pages()) {
    for (const PageLine& line : page.lines) {
      for (const Link& link : line.links) {
        const std::filesystem::path target = target_of(page, link);
        if (!link.anchor.empty() && std::filesystem::exists(below_root(target))) {
          EXPECT_TRUE(anchors_of(read_page(target)).contains(link.anchor))
              << location(page, line) << ": " << target << " has no heading #" << link.anchor;
        }
      }
    }
  }
}

TEST(Links, NamesInCodeStandInTheFilesLinkedTo) {
  size_t count = 0;
  for (const Page& page : all_pages()) {
    for (const PageLine& line : page.lines) {
      for (const Link& link : line.links) {
        const std::string name = name_in_code(link);
        const std::filesystem::path target = below_root(target_of(page, link));
        if (!name.empty() && std::filesystem::is_regular_file(target)) {
          ++count;
          EXPECT_TRUE(has_name(read_file(target), name))
              << location(page, line) << ": " << link.path << " has no " << name;
        }
      }
    }
  }
  EXPECT_GT(count, 100u);
}

TEST(Links, EveryConceptIsTwoHopsFromReadme) {
  for (const Concept& wanted : kConcepts) {
    expect_two_hops(wanted, wanted.in_training);
  }
}

TEST(Links, EveryConceptInTheEngineIsTwoHopsFromReadme) {
  for (const Concept& wanted : kConcepts) {
    if (wanted.in_engine != nullptr) {
      expect_two_hops(wanted, wanted.in_engine);
    }
  }
}

TEST(Links, AreFoundInALine) {
  const std::vector<Link> links =
      links_of("a [b](c.md#d), [`E::f`](../g.h), [h](#i) and [j](https://k.org/l)");
  ASSERT_EQ(links.size(), 3u);
  EXPECT_EQ(links[0].text, "b");
  EXPECT_EQ(links[0].path, "c.md");
  EXPECT_EQ(links[0].anchor, "d");
  EXPECT_EQ(name_in_code(links[1]), "E::f");
  EXPECT_EQ(links[2].path, "");
  EXPECT_EQ(links[2].anchor, "i");
}

TEST(Links, NamesAreWholeWords) {
  EXPECT_TRUE(has_name("void Lanes::next() {", "Lanes::next"));
  EXPECT_TRUE(has_name("struct Lanes { int next; };", "Lanes::next"));
  EXPECT_FALSE(has_name("void Lanes::next_batch() {", "Lanes::next"));
  EXPECT_FALSE(has_name("void DataLanes::next() {", "Lanes::next"));
}

TEST(Links, AnchorsAreThoseOfGitHub) {
  const Page page = {"page.md",
                     {{1, "# Where to read next", {}},
                      {2, "## `eval --json`, a line", {}},
                      {3, "## Same", {}},
                      {4, "## Same", {}},
                      {5, "#no heading", {}}}};
  EXPECT_EQ(anchors_of(page),
            (std::set<std::string>{"where-to-read-next", "eval---json-a-line", "same", "same-1"}));
}

}  // namespace
}  // namespace brt
