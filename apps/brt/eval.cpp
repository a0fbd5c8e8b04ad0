// SPDX-License-Identifier: Apache-2.0
// brt eval: losses of a model on a prepared split.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/path_text.h"
#include "compute_flags.h"
#include "data/prepared_data.h"
#include "eval/evaluation.h"
#include "model_flag.h"
#include "number_checks.h"
#include "progress_bar.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

struct EvalArguments {
  std::string model;
  std::string data;
  std::string split;
  std::string carry = "full";
  int64_t lanes = 0;  ///< 0: as many as there are documents, at most kDefaultLanes
  int64_t max_document_tokens = 0;
  ComputeFlags compute;
  bool json = false;
};

constexpr int64_t kDefaultLanes = 4;  // enough rows to fill matrix products on a few cores

constexpr const char* kExamples = R"(examples:
  brt eval --model runs/demo/rec --data data/prepared/books --split test
      a run folder's newest checkpoint, every document as a whole
  brt eval --model runs/demo/rec --data data/prepared/books --split test --carry no-state
      the same without what the recurrent state carries over: what the state is worth
  brt eval --model my-model --data data/books --split test --max-document-tokens 20000 --json
      the first 20000 tokens of each document, one JSON object on stdout

--carry says what goes from one segment of a document to the next:
  full      the cache and the state                      carried in JSON and in names of files
  no-state  the cache; the state is zero at each segment none in JSON, though the cache is kept
  nothing   neither: a segment is read alone             reset in JSON
The words of JSON may be given too. Every token but a document's first is predicted once.
bits_per_byte and word_perplexity divide by bytes and words of the original text.)";

void check_same_tokenizer(const EvalArguments& arguments,
                          const ModelWithTokenizer& loaded,
                          const PreparedData& data) {
  const std::unique_ptr<Tokenizer> of_data = data.tokenizer();
  if (loaded.tokenizer->fingerprint() != of_data->fingerprint()) {
    throw DataError(
        fmt::format(
            "model {} reads tokens of its tokenizer \"{}\" ({} tokens), data {} holds those "
            "of another, \"{}\" ({} tokens)",
            arguments.model, loaded.tokenizer->kind(), loaded.tokenizer->vocab_size(),
            arguments.data, of_data->kind(), of_data->vocab_size()),
        "prepare the data again with --tokenizer set to the model's tokenizer");
  }
}

EvaluationResult run_evaluation(const EvalArguments& arguments) {
  EvaluationOptions options;
  options.carry = carry_mode_from_word(arguments.carry);
  options.dtype = apply_compute_flags(arguments.compute);
  options.max_document_tokens = arguments.max_document_tokens;
  const PreparedData data(arguments.data);
  const PreparedSplit split = data.open_split(arguments.split);
  options.lanes = arguments.lanes > 0
                      ? arguments.lanes
                      : std::clamp<int64_t>(split.num_documents(), 1, kDefaultLanes);
  ModelWithTokenizer loaded = load_model_with_tokenizer(arguments.model);
  check_same_tokenizer(arguments, loaded, data);
  std::optional<ProgressBar> bar;
  EvaluationResult result =
      evaluate(loaded.model, split, options, [&](const EvaluationProgress& progress) {
        if (!bar) {
          bar.emplace("evaluating " + arguments.split, "tokens", progress.total_tokens);
        }
        bar->update(progress.tokens, fmt::format("{:.4f} bits/token", progress.bits_per_token));
      });
  if (bar) {
    bar->finish();
  }
  check_finite(result);
  return result;
}

/// "-" where there is nothing to divide by: no token, byte or word.
std::string figure(const char* form, double value) {
  return std::isfinite(value) ? fmt::format(fmt::runtime(form), value) : "-";
}

void print_table(const EvalArguments& arguments, const EvaluationResult& result) {
  fmt::print("model              {}\n", visible_text(arguments.model));
  fmt::print("data               {}, split {}\n", visible_text(arguments.data),
             visible_text(arguments.split));
  fmt::print("carry              {}\n", carry_label(result.carry));
  fmt::print("documents          {}\n", result.documents.size());
  fmt::print("tokens             {}\n", result.tokens);
  fmt::print("bytes              {}\n", result.bytes);
  fmt::print("words              {}\n", result.words);
  fmt::print("nats per token     {}\n", figure("{:.5f}", result.nats_per_token()));
  fmt::print("bits per token     {}\n", figure("{:.5f}", result.bits_per_token()));
  fmt::print("bits per byte      {}\n", figure("{:.5f}", result.bits_per_byte()));
  fmt::print("token perplexity   {}\n", figure("{:.4f}", result.token_perplexity()));
  fmt::print("word perplexity    {}\n", figure("{:.6g}", result.word_perplexity()));
  fmt::print("tokens per second  {:.0f}\n", result.tokens_per_second());
  fmt::print("\nposition in document   tokens  bits per token\n");
  for (const PositionLoss& interval : result.by_position) {
    const double bits = interval.nats / static_cast<double>(interval.tokens) / std::numbers::ln2;
    fmt::print("{:>8} - {:<8} {:>9}  {:>14.5f}\n", interval.from, interval.to - 1, interval.tokens,
               bits);
  }
}

}  // namespace

void add_eval_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("eval", "Measure a model's losses on a prepared split.");
  const std::shared_ptr<EvalArguments> arguments = std::make_shared<EvalArguments>();
  add_model_flag(*verb, arguments->model);
  verb->add_option("--data", arguments->data, "folder made by brt prepare")->required();
  verb->add_option("--split", arguments->split, "name of the split")->required();
  verb->add_option("--carry", arguments->carry,
                   "what goes from segment to segment: full, no-state, nothing")
      ->check(CLI::IsMember({"full", "no-state", "nothing", "carried", "none", "reset"}))
      ->capture_default_str();
  verb->add_option(
          "--lanes", arguments->lanes,
          "batch: documents side by side; 0: one each, at most " + std::to_string(kDefaultLanes))
      ->check(whole_number(0, int64_t{1} << 20))
      ->capture_default_str();
  verb->add_option("--max-document-tokens", arguments->max_document_tokens,
                   "read only this many tokens of each document; 0: all")
      ->check(whole_number(0))
      ->capture_default_str();
  add_compute_flags(*verb, arguments->compute);
  verb->add_flag("--json", arguments->json, "one JSON object on stdout");
  verb->footer(kExamples);
  verb->callback([arguments] {
    const EvaluationResult result = run_evaluation(*arguments);
    if (arguments->json) {
      fmt::print("{}\n", evaluation_to_json(result, path_text(arguments->model),
                                            path_text(arguments->data), arguments->split));
    } else {
      print_table(*arguments, result);
    }
  });
}

}  // namespace brt
