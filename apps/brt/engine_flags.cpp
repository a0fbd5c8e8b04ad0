// SPDX-License-Identifier: Apache-2.0
// --weights, --threads, and an engine beside its tokenizer.
#include "engine_flags.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/run_folder.h"
#include "number_checks.h"

namespace brt {

void add_engine_flags(CLI::App& verb, EngineFlags& flags) {
  verb.add_option("--weights,--dtype", flags.weights,
                  "how weights lie in memory: fp32, bf16, int8 (small and fast)")
      ->check(CLI::IsMember({"fp32", "bf16", "int8"}))
      ->capture_default_str();
  verb.add_option("--threads", flags.threads, "threads; 0: all cores")
      ->check(whole_number(0, 4096))
      ->capture_default_str();
}

EngineWithTokenizer load_engine(const std::string& path, const EngineFlags& flags) {
  const std::filesystem::path folder = find_model_folder(path);
  for (const char* name : {"config.json", "model.safetensors"}) {
    if (const std::optional<std::string> damage = checkpoint_file_damage(folder, name)) {
      throw CheckpointError(fmt::format("{}: is damaged: {}", folder.string(), *damage),
                            "use another checkpoint of the run");
    }
  }
  EngineWithTokenizer loaded;
  loaded.tokenizer = load_folder_tokenizer(folder);
  loaded.engine = std::make_unique<Engine>(
      folder,
      EngineOptions{.weights = weight_format_from_word(flags.weights), .threads = flags.threads});
  const int64_t vocab_size = loaded.engine->config().vocab_size;
  if (loaded.tokenizer->vocab_size() > vocab_size) {
    throw CheckpointError(
        fmt::format("{}: the tokenizer ({}) has {} tokens, the model's vocabulary {}",
                    folder.string(), loaded.tokenizer->kind(), loaded.tokenizer->vocab_size(),
                    vocab_size),
        "put the tokenizer.model that the model was trained with into the model folder");
  }
  return loaded;
}

}  // namespace brt
