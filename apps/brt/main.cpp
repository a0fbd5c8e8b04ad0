// SPDX-License-Identifier: Apache-2.0
// The program's entry: process settings, verbs, and the one place where errors become exit codes.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <torch/version.h>

#include "base/error.h"
#include "cut_file_signal.h"
#include "kernels/cpu_target.h"
#include "messages.h"
#include "program_memory.h"
#include "standard_descriptors.h"
#include "usage_errors.h"
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
  brt::add_help_verb(app);
}

/// Flags whose value may be empty; elsewhere an empty one is an unset variable of a shell.
bool may_be_empty(const CLI::Option& option) {
  static const std::set<std::string> texts = {"--prompt", "--stop", "--title", "--note"};
  return texts.contains(option.get_name());
}

void refuse_empty_values(CLI::App& app) {
  const CLI::Validator not_empty(
      [](const std::string& text) { return text.empty() ? "must not be empty" : ""; },
      /*validator_desc=*/"");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 0 && !may_be_empty(*option)) {
      option->check(not_empty);
    }
  }
  for (CLI::App* verb : app.get_subcommands(/*filter=*/{})) {
    refuse_empty_values(*verb);
  }
}

int report_usage_error(const CLI::App& app, const CLI::Error& error) {
  const std::string command = brt::command_name(*brt::chosen_app(app));
  brt::write_message(fmt::format("{}: {}\nhint: {} --help\n", command,
                                 brt::visible_message(brt::usage_error_text(app, error)), command));
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
  brt::hold_standard_descriptors();
  brt::keep_memory_in_huge_pages();
  brt::catch_cut_files();
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
  refuse_empty_values(app);
  return run(app, argc, argv);
}
