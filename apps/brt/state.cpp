// SPDX-License-Identifier: Apache-2.0
// brt state: copies of state files that go on otherwise, and what two of them differ in.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/output_check.h"
#include "base/seeded_random.h"
#include "engine/state_file.h"
#include "number_checks.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

struct StateArguments {
  std::string first;
  std::string second;
  std::optional<uint64_t> seed;
  bool json = false;
};

constexpr const char* kForkExamples = R"(examples:
  brt state fork book.state other.state
  brt state fork book.state other.state --seed 7
  brt generate --model runs/demo/rec --state-in other.state --tokens 100

The copy draws other tokens: from --seed, or from a seed made of the old one and the copy's name, which is
printed.)";

constexpr const char* kDiffExamples = R"(examples:
  brt state diff one.state other.state
  brt state diff one.state other.state --json

Prints what differs: settings, tokens read, and for each part of the state how many values differ and by
how much at most. Exit code 0 if nothing does, 1 otherwise.)";

void run_fork(const StateArguments& arguments) {
  check_output_file(arguments.second);
  StateFile file = read_state_file(arguments.first);
  const uint64_t named = hash_bytes(std::filesystem::path(arguments.second).filename().string(),
                                    file.text.sampler.seed);
  file.text.sampler.seed =
      arguments.seed.value_or(derive_seed(named, "fork of a state", {file.tokens_read}));
  write_state_file(arguments.second, file);
  fmt::print("{}: seed {}\n", visible_text(arguments.second), file.text.sampler.seed);
}

/// A field in which two states differ.
void compare(Json& fields, const char* name, const Json& first, const Json& second) {
  if (first != second) {
    fields[name] = {first, second};
  }
}

Json bias_json(const SamplerOptions& sampler) {
  Json list = Json::array();
  for (const auto& [token, bias] : sampler.logit_bias) {
    list.push_back(fmt::format("{}={}", token, bias));
  }
  return list;
}

Json field_differences(const StateFile& first, const StateFile& second) {
  Json fields = Json::object();
  const SamplerOptions& one = first.text.sampler;
  const SamplerOptions& other = second.text.sampler;
  compare(fields, "model_fingerprint", hash_text(first.model.model_fingerprint),
          hash_text(second.model.model_fingerprint));
  compare(fields, "tokenizer_fingerprint", hash_text(first.model.tokenizer_fingerprint),
          hash_text(second.model.tokenizer_fingerprint));
  compare(fields, "weights", first.model.weights, second.model.weights);
  compare(fields, "kernel_target", first.model.kernel_target, second.model.kernel_target);
  compare(fields, "tokens_read", first.tokens_read, second.tokens_read);
  compare(fields, "bytes_read", first.text.bytes_read, second.text.bytes_read);
  compare(fields, "lines_read", first.text.lines_read, second.text.lines_read);
  compare(fields, "seed", one.seed, other.seed);
  compare(fields, "temperature", one.temperature, other.temperature);
  compare(fields, "top_k", one.top_k, other.top_k);
  compare(fields, "top_p", one.top_p, other.top_p);
  compare(fields, "min_p", one.min_p, other.min_p);
  compare(fields, "repetition_penalty", one.repetition_penalty, other.repetition_penalty);
  compare(fields, "repetition_window", one.repetition_window, other.repetition_window);
  compare(fields, "logit_bias", bias_json(one), bias_json(other));
  compare(fields, "recent_tokens", first.text.recent_tokens, second.text.recent_tokens);
  compare(fields, "stop_text", hash_text(hash_bytes(first.text.stop_text)),
          hash_text(hash_bytes(second.text.stop_text)));
  compare(fields, "line_bytes", first.text.line.bytes, second.text.line.bytes);
  compare(fields, "line_tokens", first.text.line.tokens, second.text.line.tokens);
  compare(fields, "line_nats", first.text.line.nats, second.text.line.nats);
  compare(fields, "line_text", hash_text(hash_bytes(first.text.line.text)),
          hash_text(hash_bytes(second.text.line.text)));
  compare(fields, "pending_text", hash_text(hash_bytes(first.text.pending_text)),
          hash_text(hash_bytes(second.text.pending_text)));
  return fields;
}

std::string shown(const Json& value) {
  return visible_message(
      value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
}

void print_differences(const Json& fields, const std::vector<PartDifference>& parts) {
  for (const auto& [name, values] : fields.items()) {
    if (values[0].is_array() || name.ends_with("_text")) {
      fmt::print("{}: differ\n", name);
    } else {
      fmt::print("{}: {} / {}\n", name, shown(values[0]), shown(values[1]));
    }
  }
  for (const PartDifference& part : parts) {
    fmt::print("{}: {} values differ, by at most {:.6g}\n", visible_text(part.name), part.values,
               part.largest);
  }
}

void run_diff(const StateArguments& arguments) {
  const StateFile first = read_state_file(arguments.first);
  const StateFile second = read_state_file(arguments.second);
  const Json fields = field_differences(first, second);
  const std::vector<PartDifference> parts = compare_parts(first, second);
  if (arguments.json) {
    Json list = Json::array();
    for (const PartDifference& part : parts) {
      list.push_back({{"name", part.name}, {"values", part.values}, {"largest", part.largest}});
    }
    const Json object = {
        {"equal", fields.empty() && parts.empty()}, {"fields", fields}, {"parts", list}};
    fmt::print("{}\n",
               object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
  } else {
    print_differences(fields, parts);
  }
  if (!fields.empty() || !parts.empty()) {
    throw CLI::RuntimeError(1);
  }
}

}  // namespace

void add_state_verb(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("state", "Copy and compare state files.");
  verb->require_subcommand(1);
  const std::shared_ptr<StateArguments> arguments = std::make_shared<StateArguments>();

  CLI::App* fork = verb->add_subcommand("fork", "Copy a state, with another seed.");
  fork->add_option("from", arguments->first, "state file")->required();
  fork->add_option("to", arguments->second, "state file to write")->required();
  fork->add_option("--seed", arguments->seed, "seed of the copy's draws")->check(seed_number());
  fork->footer(kForkExamples);
  fork->callback([arguments] { run_fork(*arguments); });

  CLI::App* diff = verb->add_subcommand("diff", "Say what two states differ in.");
  diff->add_option("first", arguments->first, "state file")->required();
  diff->add_option("second", arguments->second, "state file")->required();
  diff->add_flag("--json", arguments->json, "one JSON object on stdout");
  diff->footer(kDiffExamples);
  diff->callback([arguments] { run_diff(*arguments); });
}

}  // namespace brt
