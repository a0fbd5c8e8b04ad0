// SPDX-License-Identifier: Apache-2.0
// The checks between a path and a model that reads text.
#include "generate/load_engine.h"

#include <fmt/format.h>

#include "checkpoint/checkpoint_name.h"
#include "checkpoint/model_path.h"
#include "generate/vocabulary_check.h"

namespace brt {

std::filesystem::path choose_model_folder(const std::filesystem::path& path,
                                          const LoadMessages& messages) {
  const std::filesystem::path folder = find_model_folder(path, messages.warn);
  if (const std::string note = better_checkpoint_note(path, folder);
      !note.empty() && messages.note) {
    messages.note(note);
  }
  return folder;
}

EngineWithTokenizer load_engine(const std::filesystem::path& path,
                                const EngineOptions& options,
                                const LoadMessages& messages) {
  const std::filesystem::path folder = choose_model_folder(path, messages);
  check_manifest(folder);
  EngineWithTokenizer loaded;
  loaded.tokenizer = load_model_tokenizer(folder);
  loaded.engine = std::make_unique<Engine>(folder, options);
  if (loaded.engine->threads() < options.threads && messages.warn) {
    messages.warn(fmt::format("the system starts no {} threads; {} work", options.threads,
                              loaded.engine->threads()));
  }
  check_vocabulary(folder, *loaded.tokenizer, loaded.engine->config().vocab_size);
  return loaded;
}

}  // namespace brt
