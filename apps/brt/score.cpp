// SPDX-License-Identifier: Apache-2.0
// brt score: how well a model predicts each token of a text, which may never end.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/output_check.h"
#include "data/byte_stream.h"
#include "data/word_counter.h"
#include "engine_flags.h"
#include "generate/scorer.h"
#include "generate/state_file.h"
#include "number_checks.h"
#include "stop_signal.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

struct ScoreArguments {
  std::string model;
  std::string file;
  std::string state_in;
  std::string state_out;
  int64_t save_every = 0;  ///< tokens; 0: at the end only
  bool lines = false;
  EngineFlags engine;
  bool json = false;
};

constexpr const char* kExamples = R"(examples:
  brt score --model runs/demo/rec book.txt
      a line a token: index, token, text, byte offset, bits; then a summary
  brt score --model runs/demo/rec book.txt --json | jq -c 'select(.bits > 12)'
      the surprising tokens
  cat book.txt | brt score --model runs/demo/rec - --json
      standard input, scored as it comes
  tail -f app.log | brt score --model runs/logs - --lines --state-out app.state
      a line of output for each line of a log: line, tokens, bits, bits per byte, text; Ctrl-C saves the state
  tail -f app.log | brt score --model runs/logs - --lines --state-in app.state --state-out app.state
      goes on where it stopped
  tail -f app.log | brt score --model runs/logs - --lines --state-out app.state --save-every 10000
      saves the state after every 10,000 tokens too, for a process that is killed without a signal it can
      catch: brt inspect app.state tells the bytes read, from which a later call goes on

The document's first token has no bits (null, or "-"), as nothing precedes it; its end is scored last,
with an empty text, unless --state-out keeps the document open. In JSON, bytes of a text that are not
UTF-8 by themselves, such as a part of a character, appear as U+FFFD; otherwise as \xNN.
Text is cut into the same pieces as in prepared data, so that the sum is that of brt eval. Where input
pauses, the whole lines that have come are scored without waiting for more, and --lines cuts at every line.)";

constexpr size_t kLongestLine = size_t{1} << 18;
constexpr int kPauseMilliseconds = 100;  // of live input, until what has come is scored

void print_json(const Json& object) {
  fmt::print("{}\n", object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
}

void print_token(const TokenScore& score, bool json) {
  if (!json) {
    const std::string bits =
        score.nats ? fmt::format("{:.6f}", *score.nats / std::numbers::ln2) : std::string("-");
    fmt::print("{}\t{}\t{}\t{}\t{}\n", score.index, score.token, visible_text(score.bytes),
               score.byte_offset, bits);
    return;
  }
  Json line = {{"index", score.index},
               {"token", score.token},
               {"text", std::string(score.bytes)},
               {"byte_offset", score.byte_offset},
               {"bits", nullptr}};
  if (score.nats) {
    line["bits"] = *score.nats / std::numbers::ln2;
  }
  print_json(line);
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
  print_json({{"summary", true},
              {"tokens", total.tokens},
              {"bytes", total.bytes},
              {"words", words},
              {"nats", total.nats},
              {"bits_per_token", bits_per_token},
              {"bits_per_byte", bits_per_byte},
              {"token_perplexity", std::exp(total.nats / static_cast<double>(total.tokens))},
              {"word_perplexity", std::exp(total.nats / static_cast<double>(words))}});
}

/// Whether text may come in over time, so that a reader waits for lines.
bool is_live(const std::string& file) {
  struct stat status = {};
  const int failed = file == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(file.c_str(), &status);
  return failed == 0 && !S_ISREG(status.st_mode);
}

/// Passes text to the scorer, line by line where that is asked for or the input is live.
class Scoring {
 public:
  Scoring(const ScoreArguments& arguments,
          Engine& engine,
          const Tokenizer& tokenizer,
          Session& session)
      : arguments_(arguments),
        session_(session),
        identity_(identify(engine, tokenizer)),
        is_live_(is_live(arguments.file)),
        scorer_(engine, tokenizer, session, [this](const TokenScore& score) { take(score); }),
        line_(std::move(session.text.pending_text)) {
    session.text.pending_text.clear();
  }

  void append(std::string_view part) {
    words_.append(part);
    if (!arguments_.lines && !is_live_) {
      scorer_.append(std::exchange(line_, std::string()));  // of a state that a signal saved
      scorer_.append(part);
      save_if_due();
      return;
    }
    while (!part.empty()) {
      const size_t newline = part.find('\n');
      const size_t size = newline == std::string_view::npos ? part.size() : newline + 1;
      line_ += part.substr(0, size);
      part.remove_prefix(size);
      if (newline != std::string_view::npos || line_.size() >= kLongestLine) {
        end_line();
      }
    }
  }

  /// Live input has paused: scores the lines that have come.
  void pause() {
    scorer_.cut();
    std::fflush(stdout);
    save_if_due();
  }

  /// The input is at its end; `keeps_open`: the document is not.
  void end_input(bool keeps_open) {
    if (!line_.empty()) {
      end_line();
    }
    if (keeps_open) {
      scorer_.cut();
    } else {
      scorer_.finish();
    }
  }

  /// A signal came: an unfinished line is kept for a later call.
  void stop() {
    scorer_.cut();
    session_.text.pending_text = line_;
  }

  void save() {
    std::fflush(stdout);  // what the state has behind it shall have been printed
    save_state(arguments_.state_out, session_, identity_);
    saved_tokens_ = scorer_.total().tokens;
  }

  void print_total() const { print_summary(scorer_.total(), words_.words(), arguments_.json); }

 private:
  const ScoreArguments& arguments_;
  Session& session_;
  ModelIdentity identity_;
  bool is_live_;
  Scorer scorer_;
  WordCounter words_;
  std::string line_;  ///< unfinished
  int64_t line_tokens_ = 0;
  double line_nats_ = 0.0;
  int64_t saved_tokens_ = 0;

  /// Between pieces of text, and lines of --lines: what waits there is not of the state.
  void save_if_due() {
    if (arguments_.save_every > 0 &&
        scorer_.total().tokens - saved_tokens_ >= arguments_.save_every) {
      save();
    }
  }

  void take(const TokenScore& score) {
    if (arguments_.lines) {
      line_tokens_ += score.nats ? 1 : 0;
      line_nats_ += score.nats.value_or(0.0);
      return;
    }
    print_token(score, arguments_.json);
    if (is_live_) {
      std::fflush(stdout);
    }
  }

  void end_line() {
    const int64_t byte_offset = session_.text.bytes_read;
    scorer_.append(line_);
    if (arguments_.lines) {
      scorer_.cut();
      print_line(byte_offset);
      session_.text.lines_read += 1;
    }
    line_.clear();
    save_if_due();
  }

  void print_line(int64_t byte_offset) {
    const double bits = line_nats_ / std::numbers::ln2;
    const double bits_per_byte = bits / static_cast<double>(line_.size());
    std::string_view text = line_;
    text.remove_suffix(text.ends_with('\n') ? 1 : 0);
    if (arguments_.json) {
      print_json({{"line", session_.text.lines_read},
                  {"byte_offset", byte_offset},
                  {"tokens", line_tokens_},
                  {"bits", bits},
                  {"bits_per_byte", bits_per_byte},
                  {"text", std::string(text)}});
    } else {
      fmt::print("{}\t{}\t{:.6f}\t{:.6f}\t{}\n", session_.text.lines_read, line_tokens_, bits,
                 bits_per_byte, visible_text(text));
    }
    if (is_live_) {
      std::fflush(stdout);
    }
    line_tokens_ = 0;
    line_nats_ = 0.0;
  }
};

/// Reads to the end of the input or to a signal; whether anything was read.
bool read_input(ByteStream& input, Scoring& scoring) {
  std::array<char, 1 << 16> buffer;
  bool has_text = false;
  bool is_paused = true;  // nothing waits to be scored
  while (!stop_requested()) {
    if (!input.wait(kPauseMilliseconds)) {
      if (!is_paused) {
        scoring.pause();
      }
      is_paused = true;
      continue;
    }
    const size_t size = input.read(buffer.data(), buffer.size());
    if (size == 0) {
      break;
    }
    scoring.append(std::string_view(buffer.data(), size));
    has_text = true;
    is_paused = false;
  }
  return has_text;
}

void run_score(const ScoreArguments& arguments) {
  if (!arguments.state_out.empty()) {
    check_output_file(arguments.state_out);
  }
  const std::unique_ptr<ByteStream> input = open_plain_stream(arguments.file);
  const EngineWithTokenizer loaded = load_engine(arguments.model, arguments.engine);
  Engine& engine = *loaded.engine;
  const Tokenizer& tokenizer = *loaded.tokenizer;
  Session session = open_session(arguments.state_in, loaded);
  catch_stop_signals();
  Scoring scoring(arguments, engine, tokenizer, session);
  const bool has_text = read_input(*input, scoring);
  const bool keeps_open = !arguments.state_out.empty();
  if (stop_requested()) {
    scoring.stop();
  } else if (has_text || !arguments.state_in.empty()) {
    scoring.end_input(keeps_open);
  } else {
    throw DataError(fmt::format("{}: holds no text, so there is nothing to score", arguments.file));
  }
  scoring.print_total();
  if (keeps_open) {
    scoring.save();
  }
  if (stop_requested()) {
    throw CLI::RuntimeError(stop_exit_code());
  }
}

}  // namespace

void add_score_verb(CLI::App& app) {
  CLI::App* verb =
      app.add_subcommand("score", "Print how well a model predicts each token of a text.");
  const std::shared_ptr<ScoreArguments> arguments = std::make_shared<ScoreArguments>();
  verb->add_option("--model", arguments->model, "model folder or run folder")->required();
  verb->add_option("file", arguments->file, "text file, or - for standard input")->required();
  verb->add_flag("--lines", arguments->lines, "sums of each line in place of tokens");
  verb->add_option("--state-in", arguments->state_in, "go on from this state file");
  CLI::Option* state_out = verb->add_option(
      "--state-out", arguments->state_out,
      "save the state in this file, at the end or at a signal, and leave the document "
      "open");
  verb->add_option("--save-every", arguments->save_every,
                   "save it after this many tokens too; 0: not before the end")
      ->check(whole_number(0))
      ->needs(state_out)
      ->capture_default_str();
  add_engine_flags(*verb, arguments->engine);
  verb->add_flag("--json", arguments->json, "JSON lines on stdout");
  verb->footer(kExamples);
  verb->callback([arguments] { run_score(*arguments); });
}

}  // namespace brt
