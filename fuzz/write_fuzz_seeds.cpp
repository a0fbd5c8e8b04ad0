// SPDX-License-Identifier: Apache-2.0
// Writes one sound input per parser, for the fuzzers to start from: write_fuzz_seeds FOLDER.
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/files.h"
#include "config/model_config.h"
#include "config/presets.h"
#include "config/run_config.h"
#include "data/shard.h"
#include "fuzz_model.h"
#include "fuzz_tokenizer.h"
#include "generate/compression.h"
#include "generate/state_file.h"
#include "safetensors/safetensors_header.h"

namespace brt {
namespace {

std::filesystem::path seed_file(const std::filesystem::path& folder, const char* parser) {
  std::filesystem::create_directories(folder / parser);
  return folder / parser / "seed";
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

/// The whole file, and its header alone.
void write_state_seeds(const std::filesystem::path& folder) {
  Engine& engine = *fuzz_model().engine;
  Session session{.stream = engine.begin(), .text = {}};
  const std::array<int32_t, 6> tokens = {65, 66, 67, 68, 69, 70};
  engine.feed(session.stream, tokens);
  session.text.remember(tokens);
  session.text.sampler.repetition_penalty = 1.5;
  session.text.sampler.logit_bias = {{65, -2.0}};
  session.text.stop_text = "a";
  session.text.pending_text = "half of a li";
  const std::filesystem::path path = seed_file(folder, "state_file");
  save_state(path, session, identify(engine, fuzz_model().tokenizer));
  const std::string file = read_file(path);
  constexpr size_t kSizePlace = 12;  // behind "BRTSTATE" and the version
  write_file_atomically(
      path.parent_path() / "header",
      file.substr(kSizePlace + sizeof(uint64_t), little_endian_at<uint64_t>(file, kSizePlace)));
}

/// The whole file, and its code alone.
void write_compressed_seeds(const std::filesystem::path& folder) {
  std::string file;
  Compressor compressor(*fuzz_model().engine, fuzz_model().tokenizer,
                        [&](std::string_view bytes) { file += bytes; });
  compressor.append("It was a dark and stormy night.");
  compressor.finish();
  const std::filesystem::path path = seed_file(folder, "compressed_file");
  write_file_atomically(path, file);
  CompressedFileReader reader("seed", [&, next = size_t{0}](char* buffer, size_t size) mutable {
    const size_t count = file.copy(buffer, size, next);
    next += count;
    return count;
  });
  write_file_atomically(path.parent_path() / "code", "C" + reader.next_block());
}

void write_seeds(const std::filesystem::path& folder) {
  ModelConfig model = make_preset("rec-lstm-dual", "tiny");
  model.vocab_size = 257;
  RunConfig run;
  run.model = model;
  run.data.path = "data";
  write_file_atomically(seed_file(folder, "recipe"), run_config_to_toml(run));
  write_file_atomically(seed_file(folder, "model_config"), model_config_to_json(model, "bytes"));
  write_file_atomically(seed_file(folder, "tokenizer"), fuzz_tokenizer_model());
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
  write_state_seeds(folder);
  write_compressed_seeds(folder);
  // In parts of 8 bytes, 900 times, with a stop string from the second byte on.
  write_file_atomically(seed_file(folder, "text"),
                        "\x07\xf0\x01"
                        "A text,  \xc3\xab\xff it is.\n");
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
