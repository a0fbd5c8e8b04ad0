// SPDX-License-Identifier: Apache-2.0
// brt generate: continue a text, or a state that was saved.
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/output_check.h"
#include "data/byte_stream.h"
#include "engine/state_file.h"
#include "engine_flags.h"
#include "generate/prompt_reader.h"
#include "generate/stop_strings.h"
#include "generate/text_generator.h"
#include "model_flag.h"
#include "number_checks.h"
#include "sampler_flags.h"
#include "standard_output.h"
#include "stop_signal.h"
#include "verbs.h"

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

struct GenerateArguments {
  std::string model;
  std::optional<std::string> prompt;
  std::string prompt_file;
  int64_t tokens = 0;
  int64_t samples = 1;
  SamplerFlags sampler;
  std::vector<std::string> stop;
  std::string state_in;
  std::string state_out;
  bool echo = false;
  EngineFlags engine;
  bool json = false;
};

constexpr const char* kExamples = R"(examples:
  brt generate --model runs/demo/rec --prompt "It was a dark" --tokens 500
  brt generate --model runs/demo/rec --prompt-file a.txt --tokens 900 --temperature 0.8 --top-p 0.95
  brt generate --model runs/demo/rec --prompt "Q: why? A:" --tokens 200 --stop "Q:" --stop "END"
  brt generate --model runs/demo/rec --prompt "It was" --tokens 50 --samples 4 --json
      four continuations of one prompt, with the seeds 1, 2, 3, 4, computed together
  brt generate --model runs/demo/rec --prompt "It was" --tokens 50 --logit-bias 32=-inf
  brt generate --model runs/demo/rec --prompt-file book.txt --tokens 0 --state-out book.state
  brt generate --model runs/demo/rec --state-in book.state --tokens 100 --state-out next.state
      reads a long prompt once (prefill) and goes on from there, exactly as if it had never stopped

Steps of sampling, in this order: logit bias, repetition penalty, top-k, top-p, min-p, temperature. The
same seed gives the same text; a draw depends on the seed and the token's position in its document only. A
state brings its sampling flags; those that are given replace them.
Ctrl-C (SIGINT, also SIGTERM and SIGHUP) with --state-out saves the state after the last token that was
printed, or what was read of the prompt, and ends with exit code 130 (143, 129); --state-in goes on exactly.
Generation ends after --tokens tokens, at the document's end, or at a stop string, which is read but not
printed. Stdout gets the continuation and nothing else; with several samples, each follows a line
"=== sample I, seed S".)";

constexpr int kWaitMilliseconds = 100;  // for a prompt that is typed, between looks at signals

/// A signal came, or nobody reads what is printed: time to save the state, where that is asked for.
bool must_stop() { return stop_requested() || reader_is_gone(); }

/// Calls visit with the prompt's parts, up to its end or until must_stop().
void read_prompt(const GenerateArguments& arguments,
                 const std::function<void(std::string_view)>& visit) {
  if (arguments.prompt) {
    visit(*arguments.prompt);
  }
  if (arguments.prompt_file.empty()) {
    return;
  }
  const std::unique_ptr<ByteStream> input = open_plain_stream(arguments.prompt_file);
  std::array<char, 1 << 16> buffer;
  while (!must_stop()) {
    if (!input->wait(kWaitMilliseconds)) {
      continue;
    }
    const size_t size = input->read(buffer.data(), buffer.size());
    if (size == 0) {
      return;
    }
    visit(std::string_view(buffer.data(), size));
  }
}

/// What was asked for but cannot be, before the model is loaded.
void check_arguments(const GenerateArguments& arguments) {
  apply_sampler_flags(arguments.sampler, SamplerOptions());
  const StopStrings stop_strings(arguments.stop);
  if (!arguments.state_out.empty()) {
    if (arguments.samples > 1) {
      throw ConfigError("--state-out saves one state, --samples makes several",
                        "save a state of the prompt with --tokens 0, and fork it: brt state fork");
    }
    check_output_file(arguments.state_out);
  }
}

/// The document that is continued, and the settings of sampling.
Session open_session(const GenerateArguments& arguments, const EngineWithTokenizer& loaded) {
  const Tokenizer& tokenizer = *loaded.tokenizer;
  Session session = open_session(arguments.state_in, loaded);
  session.text.sampler = apply_sampler_flags(arguments.sampler, session.text.sampler);
  for (const auto& [token, bias] : session.text.sampler.logit_bias) {
    if (token >= tokenizer.vocab_size()) {
      throw ConfigError(fmt::format("--logit-bias names token {}, the model's tokens are below {}",
                                    token, tokenizer.vocab_size()));
    }
  }
  return session;
}

Json sample_json(const std::string& text, const GenerationResult& result, uint64_t seed) {
  Json object;
  object["text"] = text;
  object["tokens"] = result.tokens;
  object["finish"] = to_word(result.reason);
  if (result.reason == FinishReason::kStop) {
    object["stop"] = result.stop;
  }
  object["seed"] = seed;
  return object;
}

/// The continuations, as they are printed when all is done.
class Samples {
 public:
  Samples(const GenerateArguments& arguments, const Session& prompt)
      : arguments_(arguments),
        sessions_(static_cast<size_t>(arguments.samples), prompt),
        texts_(sessions_.size()) {
    for (size_t i = 0; i < sessions_.size(); ++i) {
      sessions_[i].text.sampler.seed += i;
    }
  }

  void generate(Engine& engine, const Tokenizer& tokenizer) {
    const bool prints_at_once = !arguments_.json && sessions_.size() == 1;
    const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    const ContinuationLimits limits = {
        .max_tokens = arguments_.tokens, .stop = arguments_.stop, .is_interrupted = must_stop};
    results_ = continue_texts(engine, tokenizer, sessions_, limits,
                              [&](size_t sample, std::string_view part) {
                                if (prints_at_once) {
                                  write_standard_output(part);
                                } else {
                                  texts_[sample] += part;
                                }
                              });
    seconds_ = std::chrono::steady_clock::now() - began;
  }

  const Session& first() const { return sessions_.front(); }

  void print_text() const {
    for (size_t i = 0; i < sessions_.size() && sessions_.size() > 1; ++i) {
      write_standard_output(fmt::format("=== sample {}, seed {}\n{}\n", i + 1,
                                        sessions_[i].text.sampler.seed, texts_[i]));
    }
  }

  /// One object; `prompt` is part of it if it was asked for.
  void print_json(const std::string& prompt) const {
    Json object;
    if (arguments_.echo) {
      object["prompt"] = prompt;
    }
    int64_t tokens = 0;
    Json samples = Json::array();
    for (size_t i = 0; i < sessions_.size(); ++i) {
      samples.push_back(sample_json(texts_[i], results_[i], sessions_[i].text.sampler.seed));
      tokens += results_[i].tokens;
    }
    if (sessions_.size() == 1) {
      object.update(samples.front());
    } else {
      object["samples"] = samples;
    }
    object["tokens_per_second"] = static_cast<double>(tokens) / seconds_.count();
    write_standard_output(
        object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n");
  }

 private:
  const GenerateArguments& arguments_;
  std::vector<Session> sessions_;
  std::vector<std::string> texts_;
  std::vector<GenerationResult> results_;
  std::chrono::duration<double> seconds_ = {};
};

/// Ends a process that was told to stop, its state saved.
void end_if_stopped() {
  if (stop_requested()) {
    throw CLI::RuntimeError(stop_exit_code());
  }
  if (reader_is_gone()) {
    end_without_reader();
  }
}

/// Reads the prompt into the session; returns it, as far as it is printed at the end. If that must
/// stop, what is not read waits in the session.
std::string read_prompt_into(Session& session,
                             const GenerateArguments& arguments,
                             const EngineWithTokenizer& loaded) {
  std::string prompt;
  PromptReader reader(*loaded.engine, *loaded.tokenizer, session);
  read_prompt(arguments, [&](std::string_view part) {
    if (arguments.echo && arguments.json) {
      prompt += part;
    } else if (arguments.echo) {
      write_standard_output(part);
    }
    reader.append(part);
  });
  if (must_stop()) {
    session.text.pending_text = reader.take_rest();
  } else {
    reader.finish();
  }
  return prompt;
}

void run_generate(const GenerateArguments& arguments) {
  check_arguments(arguments);
  const EngineWithTokenizer loaded = load_engine(arguments.model, arguments.engine);
  Engine& engine = *loaded.engine;
  const Tokenizer& tokenizer = *loaded.tokenizer;
  Session session = open_session(arguments, loaded);
  const bool saves = !arguments.state_out.empty();
  if (saves) {
    catch_stop_signals();
    outlive_reader();
  }
  const std::string prompt = read_prompt_into(session, arguments, loaded);
  if (must_stop()) {
    save_state(arguments.state_out, session, identify(engine, tokenizer));
    end_line_on_terminal();
    end_if_stopped();
  }
  Samples samples(arguments, session);
  samples.generate(engine, tokenizer);
  if (saves) {
    save_state(arguments.state_out, samples.first(), identify(engine, tokenizer));
  }
  if (arguments.json) {
    samples.print_json(prompt);
  } else {
    samples.print_text();
    end_line_on_terminal();
  }
  end_if_stopped();
}

}  // namespace

void add_generate_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("generate", "Continue a text.");
  const std::shared_ptr<GenerateArguments> arguments = std::make_shared<GenerateArguments>();
  add_model_flag(*verb, arguments->model);
  CLI::Option* prompt = verb->add_option("--prompt", arguments->prompt, "text to continue");
  verb->add_option("--prompt-file", arguments->prompt_file,
                   "file with the text to continue, or - for standard input")
      ->excludes(prompt);
  verb->add_option("--tokens", arguments->tokens, "generate at most this many tokens")
      ->check(whole_number(0))
      ->required();
  verb->add_option("--samples", arguments->samples,
                   "continuations, computed together; seeds count up from --seed")
      ->check(whole_number(1, 4096))
      ->capture_default_str();
  add_sampler_flags(*verb, arguments->sampler);
  // One string a flag: CLI11 would take "[END]" for a list otherwise.
  verb->add_option("--stop", arguments->stop, "end before this text; may be given several times")
      ->allow_extra_args(false);
  verb->add_option("--state-in", arguments->state_in, "go on from this state file");
  verb->add_option("--state-out", arguments->state_out,
                   "save the state in this file, at the end or at a signal");
  verb->add_flag("--echo", arguments->echo, "print the prompt too");
  add_engine_flags(*verb, arguments->engine);
  verb->add_flag("--json", arguments->json, "one JSON object on stdout, at the end");
  verb->footer(kExamples);
  verb->callback([arguments] { run_generate(*arguments); });
}

}  // namespace brt
