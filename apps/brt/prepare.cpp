// SPDX-License-Identifier: Apache-2.0
// brt prepare: documents to a folder of tokens.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/path_text.h"
#include "data/document_source.h"
#include "data/prepared_data.h"
#include "messages.h"
#include "progress_bar.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

struct PrepareArguments {
  PrepareOptions options;
  std::string output;
  bool json = false;
};

constexpr const char* kExamples = R"(examples:
  brt prepare --input books/train --output data/books --split train
      one document a file, tokens are bytes
  brt prepare --input wiki.jsonl.zst --output data/wiki --tokenizer wiki.model
      one document a line, its string field "text"
  brt prepare --input a.tar.gz b.zip --output data/books --split test
      one document a member; another split beside the first
  cat book.txt | brt prepare --input - --output data/book
      standard input, one document

Hidden files, empty ones, and in folders and archives images and the like are passed over;
a line on stderr says so. A split appears in the output folder whole or not at all; the same
split again replaces it. Files and folders that brt prepare has not made are never replaced.)";

std::string figures_text(const PrepareProgress& progress) {
  return fmt::format("{} documents, {} tokens", progress.documents, progress.tokens);
}

PrepareProgress run_with_progress(const PrepareOptions& options) {
  const std::optional<uint64_t> total = total_input_bytes(options.inputs);
  ProgressBar bar = total ? ProgressBar("preparing " + options.split, "bytes", *total)
                          : ProgressBar("preparing " + options.split, "bytes");
  const PrepareProgress progress = prepare_split(
      options,
      [&](const PrepareProgress& now) { bar.update(now.input_bytes_read, figures_text(now)); },
      [&](const std::string& warning) { bar.print_line("warning: " + visible_text(warning)); });
  bar.update(progress.input_bytes_read, figures_text(progress));
  bar.finish();
  return progress;
}

nlohmann::ordered_json to_json(const PassedOver& passed_over) {
  return {{"hidden", passed_over.hidden},
          {"empty", passed_over.empty},
          {"binary", passed_over.binary},
          {"special", passed_over.special}};
}

void print_summary(const PrepareArguments& arguments, const PrepareProgress& progress) {
  const PrepareOptions& options = arguments.options;
  const double tokens_per_byte =
      static_cast<double>(progress.tokens) / static_cast<double>(progress.bytes);
  if (progress.passed_over.total() > 0) {
    write_message(fmt::format("passed over: {}\n", describe(progress.passed_over)));
  }
  if (arguments.json) {
    const nlohmann::ordered_json summary = {{"output", path_text(options.output)},
                                            {"split", options.split},
                                            {"documents", progress.documents},
                                            {"bytes", progress.bytes},
                                            {"words", progress.words},
                                            {"tokens", progress.tokens},
                                            {"tokens_per_byte", tokens_per_byte},
                                            {"passed_over", to_json(progress.passed_over)}};
    fmt::print("{}\n", summary.dump());
    return;
  }
  fmt::print("{}/{}: {} documents, {} bytes, {} words, {} tokens ({:.4f} tokens per byte)\n",
             visible_text(options.output.string()), options.split, progress.documents,
             progress.bytes, progress.words, progress.tokens, tokens_per_byte);
}

}  // namespace

void add_prepare_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("prepare", "Turn documents into a folder of tokens.");
  const std::shared_ptr<PrepareArguments> arguments = std::make_shared<PrepareArguments>();
  verb->add_option("--input", arguments->options.inputs,
                   "texts, .jsonl, .tar, .zip, .7z, plain or compressed, folders of them, or - for "
                   "standard input")
      ->required();
  verb->add_option("--output", arguments->output, "folder to write into")->required();
  verb->add_option("--split", arguments->options.split, "name of the split")->capture_default_str();
  verb->add_option("--tokenizer", arguments->options.tokenizer, "bytes, or a .model file")
      ->capture_default_str();
  verb->add_flag("--json", arguments->json, "summary as JSON on stdout");
  verb->footer(kExamples);
  verb->callback([arguments] {
    arguments->options.output = arguments->output;
    print_summary(*arguments, run_with_progress(arguments->options));
  });
}

}  // namespace brt
