// SPDX-License-Identifier: Apache-2.0
// brt inspect: what a folder or file is, what it holds, and whether it is sound.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/path_text.h"
#include "checkpoint/checkpoint_name.h"
#include "checkpoint/checkpoints.h"
#include "compression/compressed_file.h"
#include "config/bounded_json.h"
#include "config/model_config.h"
#include "config/run_config.h"
#include "data/prepared_data.h"
#include "engine/state_file.h"
#include "generate/vocabulary_check.h"
#include "safetensors/weight_files.h"
#include "text/tokenizer.h"
#include "torch_checkpoint/model_folder.h"
#include "torch_checkpoint/tensor_files.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kKinds =
    "a model folder, a run folder, a checkpoint (its folder, RUN@best or RUN@STEP), prepared data, "
    "a tokenizer (.model), a state file, a compressed file or a safetensors file";

struct InspectArguments {
  std::string path;
  bool json = false;
};

/// What was found at the path: fields for the reader, and everything that is wrong.
struct Finding {
  Json fields;
  std::vector<std::string> damage;

  /// Runs one look at the path; what it finds wrong is noted, and the other looks go on.
  void look(const std::function<void()>& at_something) {
    try {
      at_something();
    } catch (const std::exception& error) {  // LibTorch's and the JSON reader's too
      damage.emplace_back(error.what());
    }
  }
};

bool has(const fs::path& folder, const char* name) {
  std::error_code error;
  return fs::exists(folder / name, error);
}

Json config_fields(const ModelConfig& config) {
  const Json written = Json::parse(model_config_to_json(config, ""));
  Json fields;
  ModelConfig::for_each_field(
      config, [&](const char* name, const auto&, const char*) { fields[name] = written.at(name); });
  return fields;
}

Json tensor_table(const std::vector<TensorDescription>& tensors) {
  Json table = Json::array();
  for (const TensorDescription& tensor : tensors) {
    table.push_back({{"name", tensor.name},
                     {"dtype", tensor.dtype},
                     {"shape", tensor.shape},
                     {"bytes", tensor.bytes}});
  }
  return table;
}

void inspect_tokenizer_of(const fs::path& folder, Finding& finding) {
  finding.look([&] {
    const std::unique_ptr<Tokenizer> tokenizer = load_model_tokenizer(folder);
    finding.fields["tokenizer"] = {{"kind", tokenizer->kind()},
                                   {"vocab_size", tokenizer->vocab_size()},
                                   {"fingerprint", hash_text(tokenizer->fingerprint())}};
    const int64_t vocab_size = finding.fields.at("config").at("vocab_size").get<int64_t>();
    check_vocabulary(folder, *tokenizer, vocab_size);
  });
}

/// Tensors of the weights, of all shards where there are several.
void inspect_weights(const fs::path& folder, Finding& finding) {
  const WeightFiles files = find_weight_files(folder);
  std::vector<TensorDescription> tensors;
  Json shards = Json::array();
  Metadata metadata;
  for (const fs::path& shard : files.shards) {
    Metadata more;
    std::ranges::move(describe_safetensors(shard, &more), std::back_inserter(tensors));
    metadata.merge(more);
    shards.push_back(
        {{"name", shard.lexically_relative(folder).string()}, {"bytes", fs::file_size(shard)}});
  }
  std::ranges::sort(tensors, {}, &TensorDescription::name);
  if (files.has_index()) {
    finding.fields["shards"] = shards;
  }
  finding.fields["tensors"] = tensor_table(tensors);
  finding.fields["metadata"] = metadata;
}

void inspect_model(const fs::path& folder, Finding& finding) {
  finding.fields["kind"] = "model";
  finding.look([&] {
    const fs::path path = folder / "config.json";
    const ModelConfig config = model_config_from_json(read_file(path), path.string());
    finding.fields["config"] = config_fields(config);
    finding.fields["parameters"] = count_parameters(config);
  });
  if (finding.fields.contains("config")) {
    inspect_tokenizer_of(folder, finding);
  }
  finding.look([&] { inspect_weights(folder, finding); });
  if (finding.damage.empty()) {
    finding.look(
        [&] { finding.fields["fingerprint"] = hash_text(model_fingerprint(load_model(folder))); });
  }
}

void inspect_checkpoint(const fs::path& folder, Finding& finding) {
  finding.look([&] { finding.fields["step"] = checkpoint_step(fs::absolute(folder)); });
  const std::optional<std::string> damage = checkpoint_damage(folder);
  finding.fields["sound"] = !damage.has_value();
  if (damage) {
    finding.damage.push_back(fmt::format("{}: {}", folder.string(), *damage));
  }
  inspect_model(folder, finding);
  finding.fields["kind"] = "checkpoint";
}

/// The last whole line of a file, read from its end.
std::string last_line(const fs::path& path) {
  constexpr std::streamoff kMostBytes = 1 << 16;
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) {
    throw DataError(fmt::format("{}: cannot be opened", path.string()));
  }
  const std::streamoff size = stream.tellg();
  const std::streamoff used = std::min(size, kMostBytes);
  std::string tail(static_cast<size_t>(used), '\0');
  stream.seekg(size - used);
  stream.read(tail.data(), used);
  const size_t end = tail.rfind('\n');
  if (end == std::string::npos) {
    return "";  // no line is whole yet
  }
  tail.resize(end);
  const size_t before = tail.rfind('\n');
  return before == std::string::npos ? tail : tail.substr(before + 1);
}

void inspect_run(const fs::path& folder, Finding& finding) {
  finding.fields["kind"] = "run";
  if (has(folder, "config.toml")) {
    finding.look([&] {
      const RunConfig config = load_run_config(folder / "config.toml", {});
      finding.fields["config"] = config_fields(config.model);
      if (config.model.vocab_size > 0) {
        finding.fields["parameters"] = count_parameters(config.model);
      }
      finding.fields["data"] = config.data.path;
      finding.fields["steps"] = config.train.steps;
      finding.fields["lanes"] = config.train.lanes;
      finding.fields["seed"] = config.train.seed;
    });
  } else {
    finding.damage.push_back(fmt::format("{}: config.toml is missing", folder.string()));
  }
  Json checkpoints = Json::array();
  finding.look([&] {
    std::optional<int64_t> best;
    finding.look([&] {  // one that cannot be read hides which is the best, not the others
      const std::optional<fs::path> newest = newest_checkpoint(folder);
      best = newest ? best_step(*newest) : std::nullopt;
    });
    for (const fs::path& checkpoint : list_checkpoints(folder)) {
      const std::optional<std::string> damage = checkpoint_damage(checkpoint);
      checkpoints.push_back({{"step", checkpoint_step(checkpoint)},
                             {"sound", !damage.has_value()},
                             {"best", checkpoint_step(checkpoint) == best}});
      if (damage) {
        finding.damage.push_back(fmt::format("{}: {}", checkpoint.string(), *damage));
      }
    }
  });
  finding.fields["checkpoints"] = checkpoints;
  if (has(folder, "metrics.jsonl")) {
    finding.look([&] {
      const std::string line = last_line(folder / "metrics.jsonl");
      finding.fields["newest_metrics"] = line.empty() ? Json() : parse_bounded_json<Json>(line);
    });
  }
}

void inspect_data(const fs::path& folder, Finding& finding) {
  finding.fields["kind"] = "prepared data";
  finding.look([&] {
    const PreparedData data(folder);
    finding.fields["tokenizer"] = {{"kind", data.tokenizer_kind()},
                                   {"vocab_size", data.vocab_size()}};
    Json& splits = finding.fields["splits"] = Json::array();
    for (const std::string& name : data.split_names()) {
      finding.look([&] {
        const PreparedSplit split = data.open_split(name);  // verifies every shard
        splits.push_back({{"name", name},
                          {"documents", split.num_documents()},
                          {"tokens", split.total_tokens()},
                          {"bytes", split.total_bytes()},
                          {"words", split.total_words()},
                          {"fingerprint", hash_text(split.fingerprint())}});
      });
    }
    finding.look([&] { data.tokenizer(); });
  });
}

void inspect_tokenizer(const fs::path& path, Finding& finding) {
  finding.fields["kind"] = "tokenizer";
  finding.look([&] {
    const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(path.string());
    finding.fields["tokenizer"] = {{"kind", tokenizer->kind()},
                                   {"vocab_size", tokenizer->vocab_size()},
                                   {"document_end", tokenizer->document_end()},
                                   {"lossless", tokenizer->is_lossless()},
                                   {"fingerprint", hash_text(tokenizer->fingerprint())}};
  });
}

void inspect_safetensors(const fs::path& path, Finding& finding) {
  finding.fields["kind"] = "safetensors";
  finding.look([&] {
    Metadata metadata;
    const std::vector<TensorDescription> tensors = describe_safetensors(path, &metadata);
    finding.fields["metadata"] = metadata;
    finding.fields["tensors"] = tensor_table(tensors);
    finding.fields["checksum"] = hash_text(hash_file(path));
  });
}

void put_identity(const ModelIdentity& model, Finding& finding) {
  finding.fields["model_fingerprint"] = hash_text(model.model_fingerprint);
  finding.fields["tokenizer_fingerprint"] = hash_text(model.tokenizer_fingerprint);
  finding.fields["weights"] = model.weights;
  finding.fields["kernel_target"] = model.kernel_target;
}

Json sampler_fields(const SamplerOptions& sampler) {
  std::vector<std::string> bias;
  for (const auto& [token, value] : sampler.logit_bias) {
    bias.push_back(fmt::format("{}={}", token, value));
  }
  return {{"temperature", sampler.temperature},
          {"top_k", sampler.top_k},
          {"top_p", sampler.top_p},
          {"min_p", sampler.min_p},
          {"repetition_penalty", sampler.repetition_penalty},
          {"repetition_window", sampler.repetition_window},
          {"seed", sampler.seed},
          {"logit_bias", bias}};
}

void inspect_state(const fs::path& path, Finding& finding) {
  finding.fields["kind"] = "state";
  finding.look([&] {
    const StateFile file = read_state_file(path);  // verifies its checksum
    finding.fields["format_version"] = kStateFormatVersion;
    put_identity(file.model, finding);
    finding.fields["tokens_read"] = file.tokens_read;
    // What waits in the state was read, too: the text goes on after it.
    finding.fields["bytes_read"] =
        file.text.bytes_read + static_cast<int64_t>(file.text.pending_text.size());
    finding.fields["lines_read"] = file.text.lines_read;
    finding.fields["sampler"] = sampler_fields(file.text.sampler);
    finding.fields["recent_tokens"] = fmt::format("{}", fmt::join(file.text.recent_tokens, " "));
    finding.fields["stop_text"] = file.text.stop_text;
    finding.fields["pending_text"] = file.text.pending_text;
    if (file.text.line.bytes > 0) {
      finding.fields["line_bytes_scored"] = file.text.line.bytes;
    }
    Json& parts = finding.fields["parts"] = Json::array();
    for (const StatePart& part : file.parts) {
      parts.push_back({{"name", part.name}, {"dtype", part.dtype}, {"bytes", part.bytes.size()}});
    }
  });
}

void inspect_compressed(const fs::path& path, Finding& finding) {
  finding.fields["kind"] = "compressed text";
  finding.look([&] {
    std::ifstream stream(path, std::ios::binary);
    CompressedFileReader file(path.string(), [&](char* buffer, size_t size) {
      stream.read(buffer, static_cast<std::streamsize>(size));
      return static_cast<size_t>(stream.gcount());
    });
    finding.fields["format_version"] = kCompressedFormatVersion;
    put_identity(file.model(), finding);
    int64_t blocks = 0;
    int64_t coded_bytes = 0;
    for (std::string block = file.next_block(); !block.empty(); block = file.next_block()) {
      ++blocks;
      coded_bytes += static_cast<int64_t>(block.size());
    }
    finding.fields["blocks"] = blocks;
    finding.fields["coded_bytes"] = coded_bytes;
    finding.fields["text_bytes"] = file.content().bytes;
    finding.fields["text_checksum"] = hash_text(file.content().checksum);
  });
}

bool begins_as_compressed(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string start(8, '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  return begins_as_compressed_file(start);
}

/// Whether a file of any name begins as a safetensors file does: header length, then a brace.
bool begins_as_safetensors(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string start(9, '\0');
  return stream.read(start.data(), 9) && start.back() == '{' && start[7] == '\0' &&
         start[6] == '\0';
}

/// The path itself, or the checkpoint that RUN@NAME stands for.
fs::path path_that_is_meant(const fs::path& given) {
  std::error_code error;
  if (fs::exists(given, error)) {
    return given;
  }
  if (const std::optional<fs::path> named = find_named_checkpoint(given)) {
    return *named;
  }
  throw Error(fmt::format("{}: does not exist", given.string()), fmt::format("give {}", kKinds));
}

Finding inspect_path(const fs::path& given) {
  const fs::path path = path_that_is_meant(given);
  Finding finding;
  finding.fields["path"] = path_text(path);
  std::error_code error;
  if (fs::is_directory(path, error)) {
    if (has(path, "dataset.json")) {
      inspect_data(path, finding);
    } else if (has(path, "manifest.json")) {
      inspect_checkpoint(path, finding);
    } else if (has(path, "checkpoints") || has(path, "config.toml")) {
      inspect_run(path, finding);
    } else if (has(path, "config.json") || has_weights(path)) {
      inspect_model(path, finding);
    }
  } else if (begins_as_state_file(path)) {
    inspect_state(path, finding);
  } else if (begins_as_compressed(path)) {
    inspect_compressed(path, finding);
  } else if (path.extension() == ".safetensors" || begins_as_safetensors(path)) {
    inspect_safetensors(path, finding);
  } else if (path.extension() == ".model") {
    inspect_tokenizer(path, finding);
  }
  if (!finding.fields.contains("kind")) {
    throw Error(fmt::format("{}: is not a kind of file that brt inspect knows", path.string()),
                fmt::format("give {}", kKinds));
  }
  return finding;
}

/// A value as it is shown to the reader: on its line, without commands to the terminal.
std::string value_text(const Json& value) {
  return value.is_string() ? visible_text(value.get<std::string>())
                           : visible_message(value.dump(-1, ' ', /*ensure_ascii=*/false,
                                                        Json::error_handler_t::replace));
}

/// Rows as columns: one line a row, texts to the left, numbers to the right.
void print_table(const Json& rows) {
  if (rows.empty()) {
    fmt::print("  none\n");
    return;
  }
  std::vector<std::string> keys;
  std::vector<size_t> widths;
  for (const auto& [key, first] : rows.front().items()) {
    keys.push_back(key);
    widths.push_back(key.size());
    for (const Json& row : rows) {
      widths.back() = std::max(widths.back(), value_text(row.at(key)).size());
    }
  }
  std::string line;
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool is_number = rows.front().at(keys[i]).is_number();
    line += is_number ? fmt::format("  {:>{}}", keys[i], widths[i])
                      : fmt::format("  {:<{}}", keys[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  fmt::print("{}\n", line);
  for (const Json& row : rows) {
    line.clear();
    for (size_t i = 0; i < keys.size(); ++i) {
      const Json& value = row.at(keys[i]);
      line += value.is_number() ? fmt::format("  {:>{}}", value_text(value), widths[i])
                                : fmt::format("  {:<{}}", value_text(value), widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

void print_text(const Json& fields) {
  for (const auto& [key, value] : fields.items()) {
    if (value.is_array()) {
      fmt::print("{}:\n", key);
      print_table(value);
    } else if (value.is_object()) {
      fmt::print("{}:{}\n", key, value.empty() ? " none" : "");
      for (const auto& [name, item] : value.items()) {
        fmt::print("  {:<20} {}\n", visible_text(name), value_text(item));
      }
    } else {
      fmt::print("{:<16} {}\n", key + ":", value_text(value));
    }
  }
}

void inspect_verb(const InspectArguments& arguments) {
  Finding finding = inspect_path(arguments.path);
  if (arguments.json) {
    finding.fields["damage"] = finding.damage;
    const std::string text =
        finding.fields.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
    fmt::print("{}\n", text);
  } else {
    print_text(finding.fields);
  }
  if (!finding.damage.empty()) {
    throw Error(fmt::format("{}", fmt::join(finding.damage, "\n")));
  }
}

}  // namespace

void add_inspect_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "inspect", "Say what a folder or file is, list what it holds, and verify its checksums.");
  const std::shared_ptr<InspectArguments> arguments = std::make_shared<InspectArguments>();
  verb->add_option("path", arguments->path, fmt::format("PATH of {}", kKinds))->required();
  verb->add_flag("--json", arguments->json, "one JSON object on stdout");
  verb->footer(
      "Exit code 1 if anything is damaged; what could be read is printed all the same.\n"
      "Examples:\n"
      "  brt inspect runs/demo/rec\n"
      "  brt inspect runs/demo/rec@best\n"
      "  brt inspect data/prepared/books --json\n"
      "  brt inspect books.model\n"
      "  brt inspect book.state");
  verb->callback([arguments] { inspect_verb(*arguments); });
}

}  // namespace brt
