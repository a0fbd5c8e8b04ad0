// SPDX-License-Identifier: Apache-2.0
// brt score: how well a model predicts each token of a text.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <numbers>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "compute_flags.h"
#include "data/byte_stream.h"
#include "data/word_counter.h"
#include "generate/scorer.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

struct ScoreArguments {
  std::string model;
  std::string file;
  ComputeFlags compute;
  bool json = false;
};

constexpr const char* kExamples = R"(examples:
  brt score --model runs/demo/rec book.txt
      a line a token: index, token, text, byte offset, bits; then a summary
  brt score --model runs/demo/rec book.txt --json | jq -c 'select(.bits > 12)'
      the surprising tokens
  cat book.txt | brt score --model runs/demo/rec - --json
      standard input, scored as it comes

The document's first token has no bits (null, or "-"), as nothing precedes it; its end is scored last,
with an empty text. In JSON, bytes of a text that are not UTF-8 by themselves, such as a part of a
character, appear as U+FFFD; otherwise as \xNN.)";

std::string json_text(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

void print_token(const TokenScore& score, bool json) {
  if (!json) {
    const std::string bits =
        score.nats ? fmt::format("{:.6f}", *score.nats / std::numbers::ln2) : std::string("-");
    fmt::print("{}\t{}\t{}\t{}\t{}\n", score.index, score.token, visible_text(score.bytes),
               score.byte_offset, bits);
    return;
  }
  nlohmann::ordered_json line = {{"index", score.index},
                                 {"token", score.token},
                                 {"text", std::string(score.bytes)},
                                 {"byte_offset", score.byte_offset},
                                 {"bits", nullptr}};
  if (score.nats) {
    line["bits"] = *score.nats / std::numbers::ln2;
  }
  fmt::print("{}\n", json_text(line));
}

void print_summary(const ScoreTotal& total, int64_t words, bool json) {
  const double bits = total.nats / std::numbers::ln2;
  const double bits_per_token = bits / static_cast<double>(total.tokens);
  const double bits_per_byte = bits / static_cast<double>(total.bytes);
  if (!json) {
    fmt::print(
        "summary: {} tokens predicted, {} bytes, {} words, {:.3f} bits, {:.5f} bits per token, "
        "{:.5f} bits per byte\n",
        total.tokens, total.bytes, words, bits, bits_per_token, bits_per_byte);
    return;
  }
  const nlohmann::ordered_json line = {
      {"summary", true},
      {"tokens", total.tokens},
      {"bytes", total.bytes},
      {"words", words},
      {"nats", total.nats},
      {"bits_per_token", bits_per_token},
      {"bits_per_byte", bits_per_byte},
      {"token_perplexity", std::exp(total.nats / static_cast<double>(total.tokens))},
      {"word_perplexity", std::exp(total.nats / static_cast<double>(words))}};
  fmt::print("{}\n", json_text(line));
}

/// Whether text may come in over time, so that a reader waits for lines.
bool is_live(const std::string& file) {
  struct stat status = {};
  const int failed = file == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(file.c_str(), &status);
  return failed == 0 && !S_ISREG(status.st_mode);
}

void run_score(const ScoreArguments& arguments) {
  const at::ScalarType dtype = apply_compute_flags(arguments.compute);
  const std::unique_ptr<ByteStream> input = open_plain_stream(arguments.file);
  const ModelWithTokenizer loaded = load_model_with_tokenizer(arguments.model);
  const bool flush_lines = is_live(arguments.file);
  Scorer scorer(loaded.model, {.dtype = dtype}, *loaded.tokenizer, [&](const TokenScore& score) {
    print_token(score, arguments.json);
    if (flush_lines) {
      std::fflush(stdout);
    }
  });
  WordCounter words;
  std::array<char, 1 << 16> buffer;
  size_t size = input->read(buffer.data(), buffer.size());
  if (size == 0) {
    throw DataError(fmt::format("{}: holds no text, so there is nothing to score", arguments.file));
  }
  for (; size > 0; size = input->read(buffer.data(), buffer.size())) {
    const std::string_view part(buffer.data(), size);
    words.append(part);
    scorer.append(part);
  }
  const ScoreTotal total = scorer.finish();
  print_summary(total, words.words(), arguments.json);
}

}  // namespace

void add_score_verb(CLI::App& app) {
  CLI::App* verb =
      app.add_subcommand("score", "Print how well a model predicts each token of a text.");
  const std::shared_ptr<ScoreArguments> arguments = std::make_shared<ScoreArguments>();
  verb->add_option("--model", arguments->model, "model folder or run folder")->required();
  verb->add_option("file", arguments->file, "text file, or - for standard input")->required();
  add_compute_flags(*verb, arguments->compute);
  verb->add_flag("--json", arguments->json, "JSON lines on stdout");
  verb->footer(kExamples);
  verb->callback([arguments] { run_score(*arguments); });
}

}  // namespace brt
