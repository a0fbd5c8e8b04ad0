// SPDX-License-Identifier: Apache-2.0
// Messages for command lines that were not understood.
#include "usage_errors.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest_name.h"
#include "config/setting_names.h"

namespace brt {
namespace {

/// What other programs call our verbs.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kOtherVerbs = {{
    {"sample", "generate"},
    {"complete", "generate"},
    {"infer", "generate"},
    {"run", "generate"},
    {"perplexity", "score"},
    {"finetune", "train"},
    {"tokenize", "tokenizer"},
    {"test", "selftest"},
    {"compare", "report"},
}};

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands(nullptr)) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

/// "--set train.lanes=..." for a flag that names a setting, in a verb that has settings.
std::string setting_text(const CLI::App& verb, const std::string& name) {
  if (verb.get_option_no_throw("--set") == nullptr) {
    return "";
  }
  std::vector<std::string> meant = settings_meant_by(name);
  for (std::string& setting : meant) {
    setting = fmt::format("--set {}=...", setting);
  }
  return fmt::format("{}", fmt::join(meant, " or "));
}

std::string unknown_flag_text(const CLI::App& verb, const std::string& flag) {
  const std::string name = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
  const std::string setting = setting_text(verb, name);
  if (!setting.empty()) {
    return fmt::format("unknown flag \"{}\"; did you mean {}?", flag, setting);
  }
  const std::string nearest = nearest_name(name, flag_names(verb));
  return nearest.empty()
             ? fmt::format("unknown flag \"{}\"", flag)
             : fmt::format("unknown flag \"{}\"; did you mean \"--{}\"?", flag, nearest);
}

std::string unknown_word_text(const CLI::App& app, const std::string& word) {
  const CLI::App& chosen = *chosen_app(app);
  if (word.starts_with("-") && word != "-") {
    return unknown_flag_text(chosen, word.substr(0, word.find('=')));
  }
  return chosen.get_subcommands(nullptr).empty() ? fmt::format("unexpected argument \"{}\"", word)
                                                 : unknown_verb_text(chosen, word);
}

/// The nearest allowed value for CLI11's message `FLAG: VALUE not in {A,B,C}`; empty for any other,
/// and where none is near.
std::string nearest_value_text(const std::string& message) {
  constexpr std::string_view kNotIn = " not in {";
  const size_t after_value = message.rfind(kNotIn);
  if (after_value == std::string::npos || !message.ends_with('}')) {
    return "";
  }
  const size_t colon = message.find(": ");
  const size_t value = colon < after_value ? colon + 2 : 0;
  const size_t list = after_value + kNotIn.size();
  const std::vector<std::string> known =
      CLI::detail::split(message.substr(list, message.size() - 1 - list), ',');
  const std::string nearest = nearest_name(message.substr(value, after_value - value), known);
  return nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest);
}

/// CLI11's words for frequent mistakes, in plainer ones.
std::string plain_words(const std::string& message) {
  if (message == "A subcommand is required") {
    return "a verb is missing";
  }
  const size_t twice = message.rfind(": At Most 1 required but received ");
  if (twice != std::string::npos) {
    return message.substr(0, twice) + " is given more than once";
  }
  const size_t no_value = message.rfind(": 1 required ");
  return no_value != std::string::npos && message.ends_with(" missing")
             ? message.substr(0, no_value) + " needs a value"
             : message;
}

}  // namespace

const CLI::App* chosen_app(const CLI::App& app) {
  const CLI::App* chosen = &app;
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
  }
  return chosen;
}

std::string command_name(const CLI::App& verb) {
  std::string command = verb.get_name();
  for (const CLI::App* above = verb.get_parent(); above != nullptr; above = above->get_parent()) {
    command.insert(0, above->get_name() + " ");
  }
  return command;
}

std::string unknown_verb_text(const CLI::App& above, const std::string& word) {
  const std::vector<std::string> known = verb_names(above);
  std::string meant = nearest_name(word, known);
  for (const auto& [other, ours] : kOtherVerbs) {
    if (word == other && std::ranges::find(known, ours) != known.end()) {
      meant = ours;
    }
  }
  if (known.empty()) {
    return fmt::format("unexpected argument \"{}\"", word);
  }
  return meant.empty()
             ? fmt::format("unknown verb \"{}\"; verbs are {}", word, fmt::join(known, ", "))
             : fmt::format("unknown verb \"{}\"; did you mean \"{}\"?", word, meant);
}

std::string usage_error_text(const CLI::App& app, const CLI::Error& error) {
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  // An unknown flag comes first: the word after it is unknown, and a flag missing, only because of
  // it.
  for (const std::string& word : unknown) {
    if (word.starts_with("-") && word != "-") {
      return unknown_word_text(app, word);
    }
  }
  const bool missing_verb = !chosen_app(app)->get_subcommands(nullptr).empty();
  const bool is_extra = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (!unknown.empty() && (missing_verb || is_extra)) {
    return unknown_word_text(app, unknown.front());
  }
  return plain_words(error.what()) + nearest_value_text(error.what());
}

}  // namespace brt
