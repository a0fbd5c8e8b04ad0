// SPDX-License-Identifier: Apache-2.0
// Writes one sound input per parser, for the fuzzers to start from: write_fuzz_seeds FOLDER.
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/files.h"
#include "config/model_config.h"
#include "config/presets.h"
#include "config/run_config.h"
#include "data/shard.h"
#include "safetensors/safetensors_header.h"
#include "text/tokenizer_trainer.h"

namespace brt {
namespace {

std::filesystem::path seed_file(const std::filesystem::path& folder, const char* parser) {
  std::filesystem::create_directories(folder / parser);
  return folder / parser / "seed";
}

std::string tokenizer_seed() {
  constexpr std::array<std::string_view, 4> kLines = {
      "The quick brown fox jumps over the lazy dog.", "Pack my box with five dozen liquor jugs.",
      "How vexingly quick daft zebras jump!", "The five boxing wizards jump quickly."};
  size_t next = 0;
  return train_tokenizer(
      [&]() -> std::optional<std::string> {
        return next < 20 * kLines.size()
                   ? std::optional(std::string(kLines[next++ % kLines.size()]))
                   : std::nullopt;
      },
      {.vocab_size = 300, .threads = 1});
}

void write_shard_seed(const std::filesystem::path& path) {
  ShardWriter writer(path, /*vocab_size=*/257);
  for (int document = 0; document < 3; ++document) {
    const std::array<int32_t, 4> tokens = {65, 66, 67 + document, 256};
    writer.append_tokens(tokens);
    writer.end_document(fmt::format("document {}", document), /*bytes=*/3, /*words=*/1);
  }
  writer.finish();
}

void write_seeds(const std::filesystem::path& folder) {
  ModelConfig model = make_preset("rec-lstm-dual", "tiny");
  model.vocab_size = 257;
  RunConfig run;
  run.model = model;
  run.data.path = "data";
  write_file_atomically(seed_file(folder, "recipe"), run_config_to_toml(run));
  write_file_atomically(seed_file(folder, "model_config"), model_config_to_json(model, "bytes"));
  write_file_atomically(seed_file(folder, "tokenizer"), tokenizer_seed());
  write_shard_seed(seed_file(folder, "shard"));
  write_file_atomically(
      seed_file(folder, "jsonl"),
      "{\"text\": \"one\\u00e9\", \"id\": \"a\"}\n\n{\"text\": \"two\", \"x\": [1, {}]}\n");
  const SafetensorsHeader header = {
      .entries = {{.name = "a", .dtype = "F32", .shape = {3, 4}, .begin = 0, .end = 48},
                  {.name = "b", .dtype = "BF16", .shape = {8}, .begin = 48, .end = 64}},
      .metadata = {{"format", "pt"}}};
  write_file_atomically(seed_file(folder, "safetensors_header"),
                        safetensors_header_text(header, "seed"));
}

}  // namespace
}  // namespace brt

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: write_fuzz_seeds FOLDER\n");
    return 2;
  }
  try {
    brt::write_seeds(argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "write_fuzz_seeds: {}\n", error.what());
    return 1;
  }
  return 0;
}
