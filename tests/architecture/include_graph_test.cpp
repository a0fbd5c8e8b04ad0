// SPDX-License-Identifier: Apache-2.0
// The program's includes as a graph: without a circle of files, and not deep.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "architecture/source_tree.h"

namespace brt {
namespace {

// Includes on the longest way from apps to kernels. What a verb includes leads to no kernel by way
// of other headers; that of the modules is apps, benchmark, train, eval, torch_checkpoint, model,
// ops, kernels. Who makes one of them longer has put one more layer in between.
constexpr size_t kLongestWayOfFiles = 1;
constexpr size_t kLongestWayOfModules = 7;

using Graph = std::map<std::string, std::vector<std::string>>;

/// What each file includes, by path.
Graph include_graph() {
  const std::filesystem::path root = BRT_SOURCE_DIR;
  Graph graph;
  for (const SourceFile& file : program_files()) {
    std::vector<std::string>& included = graph[file.path.string()];
    for (const std::string& name : includes(file, '"')) {
      const std::filesystem::path below_src = std::filesystem::path("src") / name;
      included.push_back(std::filesystem::exists(root / below_src)
                             ? below_src.string()
                             : (file.path.parent_path() / name).string());
    }
  }
  return graph;
}

/// What each module includes of others, and what the programs do: "apps", "src/ops".
Graph module_graph() {
  const auto module_of = [](const std::string& path) {
    return path.substr(0, path.find('/', path.starts_with("src/") ? 4 : 0));
  };
  Graph graph;
  for (const auto& [path, included] : include_graph()) {
    std::vector<std::string>& others = graph[module_of(path)];
    for (const std::string& other : included) {
      if (module_of(other) != module_of(path) &&
          std::ranges::find(others, module_of(other)) == others.end()) {
        others.push_back(module_of(other));
      }
    }
  }
  return graph;
}

/// Walks a graph depth first. `way` is the nodes from the start to the current one.
class CircleSearch {
 public:
  explicit CircleSearch(const Graph& graph) : graph_(graph) {
    for (const auto& [node, neighbours] : graph_) {
      visit(node);
    }
  }

  /// "a -> b -> a", one for each circle that the walk closed.
  std::vector<std::string> circles() const { return circles_; }

 private:
  const Graph& graph_;
  std::vector<std::string> way_;
  std::set<std::string> visited_;
  std::vector<std::string> circles_;

  void visit(const std::string& node) {
    const std::vector<std::string>::iterator begin = std::ranges::find(way_, node);
    if (begin != way_.end()) {
      std::string circle;
      for (std::vector<std::string>::iterator step = begin; step != way_.end(); ++step) {
        circle += *step + " -> ";
      }
      circles_.push_back(circle + node);
      return;
    }
    if (!visited_.insert(node).second || !graph_.contains(node)) {
      return;
    }
    way_.push_back(node);
    for (const std::string& neighbour : graph_.at(node)) {
      visit(neighbour);
    }
    way_.pop_back();
  }
};

/// The longest ways to src/kernels, in a graph without circles.
class WaysToKernels {
 public:
  explicit WaysToKernels(const Graph& graph) : graph_(graph) {}

  /// The nodes from `node` to the first one of src/kernels; empty if no way leads there.
  const std::vector<std::string>& longest_from(const std::string& node) {
    const auto known = longest_.find(node);
    if (known != longest_.end()) {
      return known->second;
    }
    std::vector<std::string> longest;
    if (node.starts_with("src/kernels")) {
      longest = {node};
    } else if (graph_.contains(node)) {
      for (const std::string& neighbour : graph_.at(node)) {
        const std::vector<std::string>& rest = longest_from(neighbour);
        if (!rest.empty() && rest.size() + 1 > longest.size()) {
          longest = {node};
          longest.insert(longest.end(), rest.begin(), rest.end());
        }
      }
    }
    return longest_[node] = longest;
  }

 private:
  const Graph& graph_;
  std::map<std::string, std::vector<std::string>> longest_;
};

/// Of all nodes of apps.
std::vector<std::string> longest_way_to_kernels(const Graph& graph) {
  WaysToKernels ways(graph);
  std::vector<std::string> longest;
  for (const auto& [node, neighbours] : graph) {
    if (node.starts_with("apps") && ways.longest_from(node).size() > longest.size()) {
      longest = ways.longest_from(node);
    }
  }
  return longest;
}

void expect_short_way(const Graph& graph, size_t most) {
  ASSERT_TRUE(CircleSearch(graph).circles().empty());
  const std::vector<std::string> way = longest_way_to_kernels(graph);
  ASSERT_FALSE(way.empty());
  std::string text;
  for (const std::string& node : way) {
    text += (text.empty() ? "" : " -> ") + node;
  }
  EXPECT_LE(way.size() - 1, most) << text;
}

TEST(IncludeGraph, FilesIncludeEachOtherWithoutACircle) {
  const Graph graph = include_graph();
  EXPECT_GT(graph.size(), 50u);
  for (const std::string& circle : CircleSearch(graph).circles()) {
    ADD_FAILURE() << circle;
  }
}

TEST(IncludeGraph, ModulesIncludeEachOtherWithoutACircle) {
  for (const std::string& circle : CircleSearch(module_graph()).circles()) {
    ADD_FAILURE() << circle;
  }
}

TEST(IncludeGraph, TheWayOfFilesFromAppsToKernelsIsShort) {
  expect_short_way(include_graph(), kLongestWayOfFiles);
}

TEST(IncludeGraph, TheWayOfModulesFromAppsToKernelsIsShort) {
  expect_short_way(module_graph(), kLongestWayOfModules);
}

TEST(IncludeGraph, ASearchFindsACircle) {
  const Graph graph = {{"a", {"b", "d"}}, {"b", {"c"}}, {"c", {"b"}}, {"d", {}}};
  EXPECT_EQ(CircleSearch(graph).circles(), std::vector<std::string>{"b -> c -> b"});
}

TEST(IncludeGraph, TheLongestWayIsFound) {
  const Graph graph = {{"apps", {"src/kernels", "a", "c"}},
                       {"a", {"b"}},
                       {"b", {"src/kernels"}},
                       {"c", {"d"}},
                       {"d", {"e"}},
                       {"e", {}},
                       {"src/kernels", {}}};
  EXPECT_EQ(longest_way_to_kernels(graph),
            (std::vector<std::string>{"apps", "a", "b", "src/kernels"}));
}

}  // namespace
}  // namespace brt
