// SPDX-License-Identifier: Apache-2.0
// brt score: how well a model predicts each token of a text, which may never end.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
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
#include "engine/state_file.h"
#include "engine_flags.h"
#include "generate/scorer.h"
#include "model_flag.h"
#include "number_checks.h"
#include "standard_output.h"
#include "stop_signal.h"
#include "text/utf8.h"
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
      a line a token: index, token, text, byte offset, surprisal in bits; then a summary
  brt score --model runs/demo/rec book.txt --json | jq -c 'select(.bits > 12)'
      the surprising tokens
  cat book.txt | brt score --model runs/demo/rec - --json
      standard input, scored as it comes
  tail -f app.log | brt score --model runs/logs - --lines --state-out app.state
      a line of output for each line of a log: line (counted from 0), tokens, bits, bits per byte, text;
      Ctrl-C saves the state
  tail -c +$((1 + $(brt inspect app.state --json | jq .bytes_read))) -f app.log |
      brt score --model runs/logs - --lines --state-in app.state --state-out app.state
      goes on where it stopped (plain tail -f would give the last ten lines again)
  tail -f app.log | brt score --model runs/logs - --lines --state-out app.state --save-every 10000
      saves the state after every 10,000 tokens too, for a process that is killed without a signal it can
      catch: brt inspect app.state tells the bytes read, from which a later call goes on

A token's surprisal is -log2 of the probability that the model gave it. The document's first token has none
(null, or "-"), as nothing precedes it; its end is scored last, with an empty text, unless --state-out keeps
the document open. In JSON, bytes of a text that are not UTF-8 by themselves, such as a part of a character,
appear as U+FFFD; otherwise as \xNN.
Text is cut into the same pieces as in prepared data, so that the sum is that of brt eval. Where input
pauses, the whole lines that have come are scored without waiting for more, and --lines cuts at every line.
Of a line longer than 64 KiB --lines shows the beginning, followed by "..." ("cut": true in JSON);
its sums are of the whole line.
On a signal, the unfinished line read so far is saved with the state, and the next call continues it. Without
--state-out it is scored at once.)";

constexpr size_t kShownLineBytes = size_t{1} << 16;  // of a line, and what waits for its end
constexpr int kPauseMilliseconds = 100;              // of live input, until what has come is scored

void print_json(const Json& object) {
  add_to_standard_output(
      object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n");
}

void print_token(const TokenScore& score, bool json) {
  if (!json) {
    const std::string bits =
        score.nats ? fmt::format("{:.6f}", *score.nats / std::numbers::ln2) : std::string("-");
    add_to_standard_output(fmt::format("{}\t{}\t{}\t{}\t{}\n", score.index, score.token,
                                       visible_text(score.bytes), score.byte_offset, bits));
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
    add_to_standard_output(fmt::format(
        "summary: {} tokens predicted, {} bytes, {} words, {:.3f} bits, {:.5f} bits per token, "
        "{:.5f} bits per byte\n",
        total.tokens, total.bytes, words, bits, bits_per_token, bits_per_byte));
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

void print_line(const LineProgress& line, int64_t number, int64_t byte_offset, bool json) {
  const double bits = line.nats / std::numbers::ln2;
  const double bits_per_byte = bits / static_cast<double>(line.bytes);
  const bool is_cut = static_cast<size_t>(line.bytes) > line.text.size();
  std::string text = line.text;
  if (is_cut) {
    text = Utf8Stream().push(text);  // no part of a character at its end
  } else if (text.ends_with('\n')) {
    text.pop_back();
  }
  if (!json) {
    add_to_standard_output(fmt::format("{}\t{}\t{:.6f}\t{:.6f}\t{}{}\n", number, line.tokens, bits,
                                       bits_per_byte, visible_text(text), is_cut ? "..." : ""));
    return;
  }
  Json object = {{"line", number}, {"byte_offset", byte_offset},     {"tokens", line.tokens},
                 {"bits", bits},   {"bits_per_byte", bits_per_byte}, {"text", text}};
  if (is_cut) {
    object["cut"] = true;
  }
  print_json(object);
}

/// Whether text may come in over time, so that a reader waits for lines.
bool is_live(const std::string& file) {
  struct stat status = {};
  const int failed = file == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(file.c_str(), &status);
  return failed == 0 && !S_ISREG(status.st_mode);
}

/// Passes text to the scorer, line by line where that is asked for or the input is live. What the
/// scorer gets depends on the text only, never on the parts in which a pipe delivers it, but for
/// live input without --lines: there a pause is a border.
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
        scorer_(
            engine,
            tokenizer,
            session,
            [this](const TokenScore& score) { take(score); },
            [this](std::string_view text) { words_.append(text); }),
        waiting_(std::move(session.text.pending_text)),
        line_offset_(session.text.bytes_read - session.text.line.bytes),
        is_in_line_(arguments.lines && session.text.line.bytes > 0) {
    session.text.pending_text.clear();
    if (!is_in_line_) {
      session.text.line = {};
    }
  }

  void append(std::string_view part) {
    if (!arguments_.lines && !is_live_) {
      scorer_.append(std::exchange(waiting_, std::string()));  // of a state that a signal saved
      scorer_.append(part);
      save_if_due();
      return;
    }
    while (!part.empty()) {
      const size_t newline = part.find('\n');
      const size_t size = newline == std::string_view::npos ? part.size() : newline + 1;
      waiting_ += part.substr(0, size);
      part.remove_prefix(size);
      if (newline != std::string_view::npos) {
        end_line();
      } else if (waiting_.size() >= kShownLineBytes) {
        pass_on();  // a long line does not wait in memory for its end
      }
    }
  }

  /// Live input has paused: scores the lines that have come.
  void pause() {
    if (!is_in_line_) {
      scorer_.cut();
      save_if_due();
    }
    flush_standard_output();
  }

  /// The input is at its end; `keeps_open`: the document is not.
  void end_input(bool keeps_open) {
    if (!waiting_.empty() || is_in_line_) {
      end_line();
    }
    if (keeps_open) {
      scorer_.cut();
    } else {
      scorer_.finish();
    }
  }

  /// A signal came, or the reader is gone: what is unfinished is kept for a later call, or scored
  /// if there will be none.
  void stop(bool is_saved) {
    if (!is_saved) {
      if (!waiting_.empty() || is_in_line_) {
        end_line();
      }
      scorer_.cut();
      return;
    }
    if (is_live_ && !is_in_line_) {
      scorer_.cut();  // whole lines
    }
    session_.text.pending_text = scorer_.take_rest() + waiting_;
    LineProgress& line = session_.text.line;
    if (arguments_.lines && is_in_line_) {
      // Of the line, what was taken out of the scorer comes again.
      line.bytes = session_.text.bytes_read - line_offset_;
      line.text.resize(std::min(line.text.size(), static_cast<size_t>(line.bytes)));
    }
  }

  void save() {
    flush_standard_output();  // nothing that the state is past may be unprinted
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
  WordCounter words_;    ///< of what is scored
  std::string waiting_;  ///< of an unfinished line, not passed on to the scorer
  int64_t line_offset_;  ///< where the current line begins
  bool is_in_line_;      ///< a part of an unfinished line has been passed on
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
      session_.text.line.tokens += score.nats ? 1 : 0;
      session_.text.line.nats += score.nats.value_or(0.0);
      return;
    }
    print_token(score, arguments_.json);
    if (is_live_) {
      flush_standard_output();
    }
  }

  /// Gives the scorer what waits of a line.
  void pass_on() {
    if (arguments_.lines) {
      LineProgress& line = session_.text.line;
      if (!is_in_line_) {
        line = {};
        line_offset_ = session_.text.bytes_read;
      }
      line.bytes += static_cast<int64_t>(waiting_.size());
      line.text += std::string_view(waiting_).substr(
          0, kShownLineBytes - std::min(kShownLineBytes, line.text.size()));
    }
    is_in_line_ = true;
    scorer_.append(waiting_);
    waiting_.clear();
  }

  void end_line() {
    pass_on();
    is_in_line_ = false;
    if (arguments_.lines) {
      scorer_.cut();
      print_line(session_.text.line, session_.text.lines_read, line_offset_, arguments_.json);
      if (is_live_) {
        flush_standard_output();
      }
      session_.text.line = {};
      session_.text.lines_read += 1;
    }
    save_if_due();
  }
};

/// Reads to the end of the input or to a signal; whether anything was read.
bool read_input(ByteStream& input, Scoring& scoring) {
  std::array<char, 1 << 16> buffer;
  bool has_text = false;
  bool is_paused = true;  // nothing waits to be scored
  while (!stop_requested() && !reader_is_gone()) {
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
  const bool keeps_open = !arguments.state_out.empty();
  if (keeps_open) {
    check_output_file(arguments.state_out);
  }
  const std::unique_ptr<ByteStream> input = open_plain_stream(arguments.file);
  const EngineWithTokenizer loaded = load_engine(arguments.model, arguments.engine);
  Engine& engine = *loaded.engine;
  const Tokenizer& tokenizer = *loaded.tokenizer;
  Session session = open_session(arguments.state_in, loaded);
  catch_stop_signals();
  if (keeps_open) {
    outlive_reader();
  }
  Scoring scoring(arguments, engine, tokenizer, session);
  const bool has_text = read_input(*input, scoring);
  if (stop_requested() || reader_is_gone()) {
    scoring.stop(keeps_open);
  } else if (has_text || !arguments.state_in.empty()) {
    scoring.end_input(keeps_open);
  } else {
    throw DataError(fmt::format("{}: holds no text, so there is nothing to score", arguments.file));
  }
  scoring.print_total();
  if (keeps_open) {
    scoring.save();
  }
  flush_standard_output();
  if (stop_requested()) {
    throw CLI::RuntimeError(stop_exit_code());
  }
  if (reader_is_gone()) {
    end_without_reader();
  }
}

}  // namespace

void add_score_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "score", "Print each token's surprisal: how well a model predicts a text.");
  const std::shared_ptr<ScoreArguments> arguments = std::make_shared<ScoreArguments>();
  add_model_flag(*verb, arguments->model);
  verb->add_option("file", arguments->file, "text file, or - for standard input")->required();
  verb->add_flag("--lines", arguments->lines,
                 "sums of each line in place of tokens; lines count from 0");
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
