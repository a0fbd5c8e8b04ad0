// SPDX-License-Identifier: Apache-2.0
// brt help: what `brt VERB --help` shows, for those who look for it under this name.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "usage_errors.h"
#include "verbs.h"

namespace brt {
namespace {

/// The verb that the words name, one below the other; the program itself without any.
const CLI::App& find_verb(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* found = &app;
  for (const std::string& word : words) {
    const CLI::App* below = nullptr;
    for (const CLI::App* verb : found->get_subcommands(nullptr)) {
      below = verb->get_name() == word ? verb : below;
    }
    if (below == nullptr) {
      throw ConfigError("help: " + unknown_verb_text(*found, word), "brt --help lists the verbs");
    }
    found = below;
  }
  return *found;
}

}  // namespace

void add_help_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("help", "Show what a verb does, as brt VERB --help.");
  const std::shared_ptr<std::vector<std::string>> words =
      std::make_shared<std::vector<std::string>>();
  verb->add_option("verb", *words, "a verb, such as: train, or tokenizer encode");
  verb->callback([&app, words] {
    const CLI::App& found = find_verb(app, *words);
    // Not found.help(): of the program it would be that of the current verb.
    fmt::print("{}", found.get_formatter()->make_help(&found, command_name(found),
                                                      CLI::AppFormatMode::Normal));
  });
}

}  // namespace brt
