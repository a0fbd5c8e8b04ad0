// SPDX-License-Identifier: Apache-2.0
// Writes one sound input per parser, for the fuzzers to start from: write_fuzz_seeds FOLDER.
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/files.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/written_file.h"
#include "compression/compression.h"
#include "config/model_config.h"
#include "config/presets.h"
#include "config/run_config.h"
#include "data/shard.h"
#include "engine/state_file.h"
#include "fuzz_data.h"
#include "fuzz_model.h"
#include "fuzz_run_record.h"
#include "fuzz_tensors.h"
#include "fuzz_tokenizer.h"
#include "safetensors/safetensors_header.h"
#include "train/trainer_state.h"

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

/// One whole file, and its header alone.
void write_tensor_seeds(const std::filesystem::path& folder,
                        const char* parser,
                        const FuzzTensorFile& file) {
  write_file_atomically(seed_file(folder, parser), file.whole());
  write_file_atomically(folder / parser / "header", file.header);
}

void write_trainer_state_seed(const std::filesystem::path& path) {
  const PreparedSplit split = PreparedData(fuzz_data().scratch().path()).open_split(kFuzzSplit);
  Lanes lanes(split, fuzz_lane_options());
  Segment segment;
  lanes.next(segment);
  SavedRun run;
  run.trainer = {.step = 1, .tokens = 6, .pending_starts = {0, 1}, .lanes = lanes.save()};
  run.loop = {.unlogged_nats = 1.5,
              .unlogged_tokens = 3,
              .unlogged_seconds = 0.25,
              .seconds = 2.0,
              .best = ValidationLoss{.step = 1, .bits_per_token = 3.5},
              .unfinished_record = R"({"step":1,"loss":null})"};
  run.config = "[train]\nsteps = 9\n";
  run.data_fingerprint = hash_text(split.fingerprint());
  run.tokenizer_fingerprint = hash_text(ByteTokenizer().fingerprint());
  write_file_atomically(path, saved_run_to_json(run));
}

/// Of the folder that checkpoint_manifest_fuzz.cpp fills.
void write_checkpoint_manifest_seed(const std::filesystem::path& path) {
  const ScratchFolder checkpoint;
  const WrittenFile file = write_recorded_file(checkpoint.path() / "trainer.json", "{}");
  write_manifest(checkpoint.path(), {{"trainer.json", file}});
  write_file_atomically(path, read_file(checkpoint.path() / "manifest.json"));
}

/// An empty member and one of three bytes, in a tar archive; JSON lines by gzip and Zstandard.
void write_archive_seeds(const std::filesystem::path& folder) {
  constexpr size_t kRecord = 512;
  std::string tar;
  for (const std::string_view text : {"", "abc"}) {
    std::string record(kRecord, '\0');
    record.replace(0, 5, "a.txt");
    record.replace(100, 7, "0000644");
    record.replace(124, 11, fmt::format("{:011o}", text.size()));
    record.replace(148, 8, "        ");  // the sum; the target makes it right
    record[156] = '0';                   // a regular file
    record.replace(257, 8, std::string_view("ustar\00000", 8));
    tar += record;
    if (!text.empty()) {
      tar += text;
      tar.resize(tar.size() + kRecord - text.size());
    }
  }
  tar.resize(tar.size() + 2 * kRecord);
  // The line {"text": "one"}, by gzip -n and zstd.
  constexpr unsigned char kGzip[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                     0x03, 0xab, 0x56, 0x2a, 0x49, 0xad, 0x28, 0x51, 0xb2,
                                     0x52, 0x50, 0xca, 0xcf, 0x4b, 0x55, 0xaa, 0xe5, 0x02,
                                     0x00, 0x6d, 0x03, 0xd1, 0x06, 0x10, 0x00, 0x00, 0x00};
  constexpr unsigned char kZstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x81, 0x00, 0x00, 0x7b,
                                     0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x20, 0x22, 0x6f,
                                     0x6e, 0x65, 0x22, 0x7d, 0x0a, 0xda, 0x47, 0x0a, 0x1d};
  const auto text_of = [](std::span<const unsigned char> bytes) {
    return std::string(bytes.begin(), bytes.end());
  };
  write_file_atomically(seed_file(folder, "archive"), "T" + tar);
  write_file_atomically(folder / "archive/tar-C", "C" + tar);
  for (const char kind : {'J', 'C'}) {
    write_file_atomically(folder / "archive" / fmt::format("gzip-{}", kind), kind + text_of(kGzip));
    write_file_atomically(folder / "archive" / fmt::format("zstd-{}", kind), kind + text_of(kZstd));
  }
}

/// Every call of c_api_fuzz.cpp, in its order there, on each model.
void write_c_api_seeds(const std::filesystem::path& folder) {
  constexpr unsigned char kCalls[] = {
      0, 0,   0,                                            // a new stream
      1, 0,   4,   'A', 'B', 'C', 'D',                      // reads four tokens
      2, 2,   1,   'E', 0,   2,   'F', 'G', 1,              // two read together
      3, 'a', 3,   1,   1,   2,   0,   1,   1, 1, 1, 0, 0,  // settings of sampling
      4, 0,   1,                                            // a fork
      5, 0,   5,   1,                                       // draws
      6, 4,   't', 'e', 'x', 't', 2,                        // tokens of a text
      7, 2,                                                 // bytes of a token
      8, 0,   0,   2,                                       // saved and loaded
      8, 0,   1,   1,   0,   48,  49,  1,                   // with a byte altered
      9, 0,                                                 // NULL
  };
  for (const char model : {'\0', '\1', '\2'}) {
    const std::string name = fmt::format("c_api/seed-{}", static_cast<int>(model));
    std::filesystem::create_directories(folder / "c_api");
    write_file_atomically(folder / name, model + std::string(std::begin(kCalls), std::end(kCalls)));
  }
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
  write_tensor_seeds(folder, "carry", fuzz_carry());
  write_tensor_seeds(folder, "optimizer", fuzz_optimizer_state());
  write_trainer_state_seed(seed_file(folder, "trainer_state"));
  write_checkpoint_manifest_seed(seed_file(folder, "checkpoint_manifest"));
  write_file_atomically(seed_file(folder, "dataset_manifest"),
                        read_file(manifest_path(fuzz_data().scratch().path())));
  write_file_atomically(seed_file(folder, "metrics"), kFuzzMetrics);
  write_file_atomically(seed_file(folder, "evaluation"), kFuzzEvaluation);
  write_archive_seeds(folder);
  write_c_api_seeds(folder);
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
