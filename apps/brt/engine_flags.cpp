// SPDX-License-Identifier: Apache-2.0
// --weights, --threads, and an engine beside its tokenizer.
#include "engine_flags.h"

#include <string>

#include <spdlog/spdlog.h>

#include "model_flag.h"
#include "number_checks.h"
#include "target_warning.h"

namespace brt {

void add_engine_flags(CLI::App& verb, EngineFlags& flags) {
  verb.add_option("--weights,--dtype", flags.weights,
                  "how weights lie in memory: fp32, bf16, int8 (small and fast)")
      ->check(CLI::IsMember({"fp32", "bf16", "int8"}))
      ->capture_default_str();
  verb.add_option("--threads", flags.threads, "threads; 0: all cores that the process may use")
      ->check(whole_number(0, 4096))
      ->capture_default_str();
}

EngineWithTokenizer load_engine(const std::string& path, const EngineFlags& flags) {
  warn_of_scalar_target();
  return load_engine(
      path,
      EngineOptions{.weights = weight_format_from_word(flags.weights), .threads = flags.threads},
      log_load_messages());
}

Session open_session(const std::string& state_in, const EngineWithTokenizer& loaded) {
  if (state_in.empty()) {
    return {.stream = loaded.engine->begin(), .text = {}};
  }
  std::string note;
  Session session = load_state(state_in, *loaded.engine, *loaded.tokenizer, note);
  if (!note.empty()) {
    spdlog::warn(note);
  }
  return session;
}

}  // namespace brt
