// SPDX-License-Identifier: Apache-2.0
// --model, in the same words for every verb.
#include "model_flag.h"

#include <spdlog/spdlog.h>

namespace brt {

void add_model_flag(CLI::App& verb, std::string& model) {
  verb.add_option("--model", model,
                  "model folder, run folder (its newest checkpoint), RUN@best or RUN@STEP")
      ->required();
}

LoadMessages log_load_messages() {
  return {.warn = [](const std::string& text) { spdlog::warn("{}", text); },
          .note = [](const std::string& text) { spdlog::info("{}", text); }};
}

}  // namespace brt
