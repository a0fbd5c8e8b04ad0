// SPDX-License-Identifier: Apache-2.0
// The program's entry: process settings, verbs, and the one place where errors become exit codes.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <torch/version.h>

#include "base/error.h"
#include "base/nearest_name.h"
#include "kernels/cpu_target.h"
#include "messages.h"
#include "program_memory.h"
#include "verbs.h"
#include "visible_text.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

std::string version_text() {
  return fmt::format("brt {}\nLibTorch {}\nCPU target {}", BRT_VERSION, TORCH_VERSION,
                     brt::kernels::to_word(brt::kernels::cpu_target()));
}

void add_log_level_flag(CLI::App& app) {
  static const std::map<std::string, spdlog::level::level_enum> levels = {
      {"debug", spdlog::level::debug},
      {"info", spdlog::level::info},
      {"warn", spdlog::level::warn},
      {"error", spdlog::level::err},
      {"off", spdlog::level::off}};
  std::vector<std::string> words;
  for (const auto& [word, level] : levels) {
    words.push_back(word);
  }
  app.add_option_function<std::string>(
         "--log-level", [](const std::string& word) { spdlog::set_level(levels.at(word)); },
         "what is logged to stderr: debug, info, warn, error, off")
      ->check(CLI::IsMember(words))
      ->trigger_on_parse();
}

void add_verbs(CLI::App& app) {
  brt::add_prepare_verb(app);
  brt::add_tokenizer_verb(app);
  brt::add_train_verb(app);
  brt::add_eval_verb(app);
  brt::add_score_verb(app);
  brt::add_generate_verb(app);
  brt::add_compress_verb(app);
  brt::add_decompress_verb(app);
  brt::add_state_verb(app);
  brt::add_inspect_verb(app);
  brt::add_selftest_verb(app);
  brt::add_bench_verb(app);
  brt::add_report_verb(app);
}

/// The innermost verb that was given, or the program itself.
const CLI::App* chosen_app(const CLI::App& app) {
  const CLI::App* chosen = &app;
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
  }
  return chosen;
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  }
  return names;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands(nullptr)) {
    names.push_back(verb->get_name());
  }
  return names;
}

/// What is wrong with a word that was not understood, with the nearest one that would have been.
std::string unknown_word_text(const CLI::App& app, const std::string& word) {
  const CLI::App& chosen = *chosen_app(app);
  const bool is_flag = word.starts_with("-") && word != "-";
  const std::string name = word.substr(0, word.find('='));
  const std::vector<std::string> known = is_flag ? flag_names(chosen) : verb_names(chosen);
  if (known.empty()) {
    return fmt::format("unexpected argument \"{}\"", word);
  }
  return fmt::format("unknown {} \"{}\"; did you mean \"{}\"?", is_flag ? "flag" : "verb", name,
                     brt::nearest_name(name, known));
}

/// The nearest allowed value for CLI11's message `FLAG: VALUE not in {A,B,C}`; empty for any other.
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
  return fmt::format("; did you mean \"{}\"?",
                     brt::nearest_name(message.substr(value, after_value - value), known));
}

/// CLI11's words for frequent mistakes, in plainer ones.
std::string plain_words(const std::string& message) {
  if (message == "A subcommand is required") {
    return "a verb is missing";
  }
  const size_t flag_end = message.rfind(": At Most 1 required but received ");
  return flag_end == std::string::npos ? message
                                       : message.substr(0, flag_end) + " is given more than once";
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

int report_usage_error(const CLI::App& app, const CLI::Error& error) {
  const CLI::App* chosen = chosen_app(app);
  std::string command = chosen->get_name();
  for (const CLI::App* above = chosen->get_parent(); above != nullptr;
       above = above->get_parent()) {
    command.insert(0, above->get_name() + " ");
  }
  brt::write_message(fmt::format("{}: {}\nhint: {} --help\n", command,
                                 brt::visible_message(usage_error_text(app, error)), command));
  return kWrongUsage;
}

std::string stdout_failure(int reason) {
  return fmt::format("standard output: cannot be written: {}", std::strerror(reason));
}

/// Writes what stdout still holds; a full disk must not look like success.
int finish_stdout() {
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    brt::write_message(fmt::format("brt: {}\n", stdout_failure(errno)));
    return kFailed;
  }
  return 0;
}

/// An error for the terminal: what a damaged file put into it is escaped, and the JSON reader's
/// "[json.exception.parse_error.101] " is left out. Of fmt::print comes no more than a system
/// error.
std::string error_text(const std::exception& error) {
  if (std::ferror(stdout) != 0 && dynamic_cast<const std::system_error*>(&error) != nullptr) {
    return stdout_failure(dynamic_cast<const std::system_error&>(error).code().value());
  }
  std::string text = error.what();
  const size_t tag = text.find("[json.exception.");
  const size_t tag_end = text.find("] ", tag == std::string::npos ? text.size() : tag);
  if (tag_end != std::string::npos) {
    text.erase(tag, tag_end + 2 - tag);
  }
  return brt::visible_message(text);
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return finish_stdout();
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success);
    return finish_stdout();
  } catch (const CLI::RuntimeError& result) {  // a verb chose the exit code
    const int written = finish_stdout();
    return result.get_exit_code() != 0 ? result.get_exit_code() : written;
  } catch (const CLI::Error& error) {
    return report_usage_error(app, error);
  } catch (const brt::ConfigError& error) {
    brt::write_message(fmt::format("brt: {}\n", error_text(error)));
    return kWrongUsage;
  } catch (const std::exception& error) {
    std::cout.flush();
    std::fflush(stdout);
    brt::write_message(fmt::format("brt: {}\n", error_text(error)));
    return kFailed;
  }
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what run() cannot report can only end the program.
int main(int argc, char** argv) {
  brt::keep_memory_in_huge_pages();
  // A reader that goes away, as in `brt generate | head`, ends the program quietly.
  std::signal(SIGPIPE, SIG_DFL);
  // At the shell's limit on the size of files a write fails, with a message, instead of a kill.
  std::signal(SIGXFSZ, SIG_IGN);
  brt::set_up_log();

  CLI::App app("Block-Recurrent Transformer language models: train, evaluate, generate.", "brt");
  app.set_version_flag("--version", [] { return version_text(); });  // looks at BRT_CPU_TARGET
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("brt VERB --help shows a verb's flags and examples.");
  add_log_level_flag(app);
  add_verbs(app);
  return run(app, argc, argv);
}
