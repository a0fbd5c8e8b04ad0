// SPDX-License-Identifier: Apache-2.0
// brt generate: continue a text, or a state that was saved.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
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
#include "checkpoint/model_folder.h"
#include "compute_flags.h"
#include "data/byte_stream.h"
#include "generate/sampler.h"
#include "generate/state_file.h"
#include "generate/stop_strings.h"
#include "generate/text_generator.h"
#include "number_checks.h"
#include "verbs.h"

namespace brt {
namespace {

struct GenerateArguments {
  std::string model;
  std::optional<std::string> prompt;
  std::string prompt_file;
  int64_t tokens = 0;
  SamplerOptions sampler;
  bool seed_given = false;
  std::vector<std::string> stop;
  std::string state_in;
  std::string state_out;
  bool echo = false;
  ComputeFlags compute;
  bool json = false;
};

constexpr const char* kExamples = R"(examples:
  brt generate --model runs/demo/rec --prompt "It was a dark" --tokens 500
  brt generate --model runs/demo/rec --prompt-file a.txt --tokens 900 --temperature 0.8 --top-p 0.95
  brt generate --model runs/demo/rec --prompt "Q: why? A:" --tokens 200 --stop "Q:" --stop "END"
  brt generate --model runs/demo/rec --prompt-file book.txt --tokens 0 --state-out book.state
  brt generate --model runs/demo/rec --state-in book.state --tokens 100 --state-out next.state
      reads a long prompt once and goes on from there, exactly as if it had never stopped

Steps of sampling, in this order: repetition penalty, top-k, top-p, min-p, temperature. The same seed
gives the same text; a draw depends on the seed and the token's place in its document only.
Generation ends after --tokens tokens, at the document's end, or at a stop string, which is read but not
printed. Stdout gets the continuation and nothing else.)";

void print_text(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Error(fmt::format("standard output: cannot be written: {}", std::strerror(errno)));
  }
}

/// Calls visit with the prompt's parts.
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
  while (const size_t size = input->read(buffer.data(), buffer.size())) {
    visit(std::string_view(buffer.data(), size));
  }
}

/// What --json prints: one object, when all is done.
void print_json(const GenerateArguments& arguments,
                const GenerationResult& result,
                const std::string& prompt,
                const std::string& text,
                double seconds) {
  nlohmann::ordered_json object;
  if (arguments.echo) {
    object["prompt"] = prompt;
  }
  object["text"] = text;
  object["tokens"] = result.tokens;
  object["finish"] = to_word(result.reason);
  if (result.reason == FinishReason::kStop) {
    object["stop"] = result.stop;
  }
  object["seed"] = arguments.sampler.seed;
  object["tokens_per_second"] = static_cast<double>(result.tokens) / seconds;
  fmt::print("{}\n", object.dump(-1, ' ', /*ensure_ascii=*/false,
                                 nlohmann::json::error_handler_t::replace));
}

/// Puts the stream where the state was; returns the tokens before.
std::vector<int32_t> resume(GenerateArguments& arguments,
                            const LanguageModel& model,
                            uint64_t fingerprint,
                            Stream& stream) {
  if (arguments.state_in.empty()) {
    return {};
  }
  StreamState state = load_state(arguments.state_in, model->config(), fingerprint);
  stream.restore(std::move(state.carry), std::move(state.logits_V), state.tokens_read);
  if (!arguments.seed_given) {
    arguments.sampler.seed = state.seed;
  }
  return std::move(state.recent_tokens);
}

void run_generate(GenerateArguments arguments) {
  // Complain before the model is loaded and text is generated.
  const Sampler checked(arguments.sampler);
  const StopStrings stop_strings(arguments.stop);
  if (!arguments.state_out.empty()) {
    check_output_file(arguments.state_out);
  }
  const at::ScalarType dtype = apply_compute_flags(arguments.compute);
  const ModelWithTokenizer loaded = load_model_with_tokenizer(arguments.model);
  const bool uses_state = !arguments.state_in.empty() || !arguments.state_out.empty();
  const uint64_t fingerprint = uses_state ? model_fingerprint(loaded.model) : 0;
  Stream stream(loaded.model, {.dtype = dtype});
  std::vector<int32_t> recent = resume(arguments, loaded.model, fingerprint, stream);
  const Sampler sampler(arguments.sampler);
  TextGenerator generator(stream, *loaded.tokenizer, sampler);
  generator.set_recent_tokens(std::move(recent));

  std::string prompt;
  std::string text;
  read_prompt(arguments, [&](std::string_view part) {
    if (arguments.echo && arguments.json) {
      prompt += part;
    } else if (arguments.echo) {
      print_text(part);
    }
    generator.read_prompt(part);
  });
  generator.finish_prompt();

  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  const GenerationResult result =
      generator.generate(arguments.tokens, arguments.stop, [&](std::string_view part) {
        if (arguments.json) {
          text += part;
        } else {
          print_text(part);
        }
      });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  if (!arguments.state_out.empty()) {
    save_state(arguments.state_out,
               {.carry = stream.carry(),
                .logits_V = stream.logits(),
                .tokens_read = stream.tokens_read(),
                .recent_tokens = generator.recent_tokens(),
                .seed = arguments.sampler.seed},
               fingerprint);
  }
  if (arguments.json) {
    print_json(arguments, result, prompt, text, seconds.count());
  }
}

void add_sampler_flags(CLI::App& verb, SamplerOptions& sampler) {
  verb.add_option("--temperature", sampler.temperature, "0: always the most likely token")
      ->capture_default_str();
  verb.add_option("--top-k", sampler.top_k, "draw from this many of the most likely tokens; 0: all")
      ->capture_default_str();
  verb.add_option("--top-p", sampler.top_p,
                  "draw from the fewest tokens that hold this probability")
      ->capture_default_str();
  verb.add_option("--min-p", sampler.min_p,
                  "drop tokens below this part of the largest probability")
      ->capture_default_str();
  verb.add_option("--repetition-penalty", sampler.repetition_penalty,
                  "above 1: recent tokens become less likely")
      ->capture_default_str();
  verb.add_option("--repetition-window", sampler.repetition_window, "how many tokens are recent")
      ->capture_default_str();
}

}  // namespace

void add_generate_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("generate", "Continue a text.");
  const std::shared_ptr<GenerateArguments> arguments = std::make_shared<GenerateArguments>();
  verb->add_option("--model", arguments->model, "model folder or run folder")->required();
  CLI::Option* prompt = verb->add_option("--prompt", arguments->prompt, "text to continue");
  verb->add_option("--prompt-file", arguments->prompt_file,
                   "file with the text to continue, or - for standard input")
      ->excludes(prompt);
  verb->add_option("--tokens", arguments->tokens, "generate at most this many tokens")
      ->check(whole_number(0))
      ->required();
  add_sampler_flags(*verb, arguments->sampler);
  CLI::Option* seed = verb->add_option("--seed", arguments->sampler.seed,
                                       "seed of the draws; a state brings its own")
                          ->check(whole_number(0))
                          ->capture_default_str();
  // One string a flag: CLI11 would take "[END]" for a list otherwise.
  verb->add_option("--stop", arguments->stop, "end before this text; may be given several times")
      ->allow_extra_args(false);
  verb->add_option("--state-in", arguments->state_in, "go on from this state file");
  verb->add_option("--state-out", arguments->state_out, "save the state at the end in this file");
  verb->add_flag("--echo", arguments->echo, "print the prompt too");
  add_compute_flags(*verb, arguments->compute);
  verb->add_flag("--json", arguments->json, "one JSON object on stdout, at the end");
  verb->footer(kExamples);
  verb->callback([arguments, seed] {
    arguments->seed_given = seed->count() > 0;
    run_generate(*arguments);
  });
}

}  // namespace brt
