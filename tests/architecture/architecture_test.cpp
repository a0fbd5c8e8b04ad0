// SPDX-License-Identifier: Apache-2.0
// Holds the tree to its rules: who may include whom, where LibTorch may be used, how files look.
#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "architecture/source_tree.h"

namespace brt {
namespace {

constexpr size_t kMaxLines = 600;

/// Which modules a module's files may include directly (src/README.md); its own is always allowed.
const std::map<std::string, std::set<std::string>>& allowed_includes() {
  static const std::map<std::string, std::set<std::string>> allowed = [] {
    std::map<std::string, std::set<std::string>> arrows = {
        {"base", {}},
        {"config", {"base"}},
        {"text", {"config", "base"}},
        {"data", {"text", "config", "base"}},
        {"safetensors", {"config", "base"}},
        {"kernels", {"config", "base"}},
        {"ops", {"kernels", "config", "base"}},
        {"torch_ops", {"ops"}},
        {"model", {"ops"}},
        {"optim", {"ops"}},
        {"checkpoint", {"safetensors"}},
        {"torch_checkpoint", {"checkpoint", "model", "optim"}},
        {"engine", {"safetensors", "kernels", "text"}},
        {"generate", {"engine", "checkpoint"}},
        {"compression", {"engine"}},
        {"report", {"text"}},
        {"eval", {"torch_checkpoint", "data", "engine"}},
        {"profile", {"base"}},
        {"train", {"eval", "profile"}},
        {"benchmark", {"train"}},
        {"api", {"generate"}},
        {"apps", {"benchmark", "report", "generate", "compression"}},
    };
    // An arrow may be followed further. Modules come in an order in which that needs one pass.
    for (const char* module :
         {"torch_ops", "model", "optim", "checkpoint", "torch_checkpoint", "engine", "generate",
          "compression", "report", "eval", "profile", "train", "benchmark", "api", "apps"}) {
      std::set<std::string>& targets = arrows.at(module);
      for (const std::string& target : std::set<std::string>(targets)) {
        targets.insert(arrows.at(target).begin(), arrows.at(target).end());
      }
    }
    return arrows;
  }();
  return allowed;
}

const std::set<std::string>& modules_without_libtorch() {
  static const std::set<std::string> modules = {"base",        "config",      "text",    "data",
                                                "safetensors", "checkpoint",  "kernels", "engine",
                                                "generate",    "compression", "report",  "api"};
  return modules;
}

const std::vector<SourceFile>& all_files() {
  static const std::vector<SourceFile> files = read_tree({"src", "apps", "tests"});
  return files;
}

/// The text without comments and without what stands in quotes, so that words in them do not count.
std::string code_only(const std::string& text) {
  static const std::regex hidden(R"raw(//[^\n]*|"(\\.|[^"\\\n])*")raw");
  return std::regex_replace(text, hidden, " ");
}

bool is_libtorch_header(const std::string& name) {
  return name.starts_with("torch/") || name.starts_with("ATen/") || name.starts_with("c10/");
}

TEST(Architecture, TheTreeIsRead) {
  EXPECT_GT(program_files().size(), 50u);
  EXPECT_GT(all_files().size(), program_files().size());
}

TEST(Architecture, EveryModuleIsInTheList) {
  for (const SourceFile& file : program_files()) {
    EXPECT_TRUE(allowed_includes().contains(file.module)) << file.path;
  }
}

TEST(Architecture, GradientsOfOpsHaveFilesOfTheirOwn) {
  for (const SourceFile& file : program_files()) {
    if (file.module == "ops" && !file.path.stem().string().ends_with("_autograd")) {
      EXPECT_FALSE(code_only(file.text).find("autograd::Function<") != std::string::npos)
          << file.path << ": an autograd function belongs in a file NAME_autograd.cpp";
    }
  }
}

TEST(Architecture, IncludesFollowTheArrows) {
  for (const SourceFile& file : program_files()) {
    for (const std::string& name : includes(file, '"')) {
      const size_t slash = name.find('/');
      if (slash == std::string::npos) {
        EXPECT_EQ(file.module, "apps")
            << file.path << " includes \"" << name << "\" without its module";
        continue;
      }
      const std::string target = name.substr(0, slash);
      EXPECT_TRUE(target == file.module || allowed_includes().at(file.module).contains(target))
          << file.path << " includes \"" << name << "\": " << file.module << " -> " << target
          << " is no arrow of src/README.md";
    }
  }
}

TEST(Architecture, IncludedFilesOfTheProjectExist) {
  for (const SourceFile& file : program_files()) {
    for (const std::string& name : includes(file, '"')) {
      const std::filesystem::path root = BRT_SOURCE_DIR;
      EXPECT_TRUE(std::filesystem::exists(root / "src" / name) ||
                  std::filesystem::exists(root / file.path.parent_path() / name))
          << file.path << " includes \"" << name << "\"";
    }
  }
}

TEST(Architecture, LibTorchStaysOutOfTheModulesThatDoNotNeedIt) {
  for (const SourceFile& file : program_files()) {
    for (const std::string& name : includes(file, '<')) {
      EXPECT_FALSE(modules_without_libtorch().contains(file.module) && is_libtorch_header(name))
          << file.path << " includes <" << name << ">";
    }
  }
}

TEST(Architecture, TheWholeOfTorchIsNotIncludedInSrc) {
  for (const SourceFile& file : program_files()) {
    if (file.module != "apps") {
      const std::vector<std::string> names = includes(file, '<');
      EXPECT_EQ(std::ranges::count(names, "torch/torch.h"), 0) << file.path;
    }
  }
}

TEST(Architecture, LibrariesNeitherPrintErrorsNorEndTheProgram) {
  static const std::regex forbidden(
      R"(std::cerr|stderr|\bstd::cout|(^|[^\w.:>])(exit|abort|_Exit|quick_exit)\s*\(|std::(exit|abort|_Exit|quick_exit|terminate)\b)");
  for (const SourceFile& file : program_files()) {
    // A false assertion is the program's own fault: nobody is there to catch it.
    if (file.module != "apps" && file.path != "src/base/check.cpp") {
      const std::string code = code_only(file.text);
      std::smatch match;
      EXPECT_FALSE(std::regex_search(code, match, forbidden)) << file.path << ": " << match.str();
    }
  }
}

TEST(Architecture, FilesAreShort) {
  for (const SourceFile& file : all_files()) {
    const std::ptrdiff_t lines = std::ranges::count(file.text, '\n');
    EXPECT_LE(static_cast<size_t>(lines), kMaxLines) << file.path;
  }
}

TEST(Architecture, FilesOpenWithTheLicence) {
  for (const SourceFile& file : all_files()) {
    EXPECT_TRUE(file.text.starts_with("// SPDX-License-Identifier: Apache-2.0\n")) << file.path;
  }
}

TEST(Architecture, FilesOfTheProgramSayWhatTheyAre) {
  for (const SourceFile& file : program_files()) {
    const size_t second_line = file.text.find('\n') + 1;
    EXPECT_EQ(file.text.compare(second_line, 3, "// "), 0)
        << file.path << " has no sentence in line 2";
  }
}

TEST(Architecture, HeadersAreIncludedOnce) {
  for (const SourceFile& file : all_files()) {
    if (file.path.extension() == ".h") {
      EXPECT_NE(file.text.find("\n#pragma once\n"), std::string::npos) << file.path;
      EXPECT_EQ(code_only(file.text).find("using namespace"), std::string::npos) << file.path;
    }
  }
}

TEST(Architecture, FilesAreNamedAfterOneConcept) {
  static const std::set<std::string> catch_all = {"utils",  "util", "common", "helpers",
                                                  "helper", "misc", "stuff"};
  for (const SourceFile& file : all_files()) {
    EXPECT_FALSE(catch_all.contains(file.path.stem().string())) << file.path;
  }
}

TEST(Architecture, SourcesAreAscii) {
  for (const SourceFile& file : all_files()) {
    const std::string::const_iterator found =
        std::ranges::find_if(file.text, [](char c) { return static_cast<unsigned char>(c) > 126; });
    EXPECT_EQ(found, file.text.end()) << file.path << " at byte " << found - file.text.begin();
  }
}

}  // namespace
}  // namespace brt
