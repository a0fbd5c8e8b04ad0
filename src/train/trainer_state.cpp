// SPDX-License-Identifier: Apache-2.0
// What a checkpoint remembers of a run beside tensors: trainer.json.
#include "train/trainer_state.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/bounded_json.h"
#include "config/json_numbers.h"

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kFormatVersion = 1;
constexpr int64_t kMostCount = int64_t{1} << 62;  // it may grow by as many again

Json trainer_to_json(const TrainerState& state) {
  return {{"step", state.step},
          {"tokens", state.tokens},
          {"skipped_steps", state.skipped_steps},
          {"skipped_in_a_row", state.skipped_in_a_row},
          {"pending_starts", state.pending_starts},
          {"lanes", state.lanes}};
}

int64_t count_at(const Json& object, const char* key) {
  return whole_number_in(object.at(key), 0, kMostCount);
}

/// The text of a line of metrics that is to be written still: empty, or an object.
std::string record_from_json(const Json& json) {
  std::string text = json.get<std::string>();
  if (!text.empty()) {
    static_cast<void>(count_at(parse_bounded_json<Json>(text), "step"));
  }
  return text;
}

TrainerState trainer_from_json(const Json& json) {
  TrainerState state;
  state.step = count_at(json, "step");
  state.tokens = count_at(json, "tokens");
  state.skipped_steps = count_at(json, "skipped_steps");
  state.skipped_in_a_row = count_at(json, "skipped_in_a_row");
  for (const Json& starts : json.at("pending_starts")) {
    state.pending_starts.push_back(static_cast<uint8_t>(whole_number_in(starts, 0, 1)));
  }
  json.at("lanes").get_to(state.lanes);
  return state;
}

Json loop_to_json(const LoopState& state) {
  Json json = {{"unlogged_nats", state.unlogged_nats},
               {"unlogged_tokens", state.unlogged_tokens},
               {"unlogged_seconds", state.unlogged_seconds},
               {"seconds", state.seconds},
               {"unfinished_record", state.unfinished_record},
               {"unused_state_evaluations", state.unused_state_evaluations}};
  if (state.best) {
    json["best"] = {{"step", state.best->step}, {"bits_per_token", state.best->bits_per_token}};
  }
  return json;
}

LoopState loop_from_json(const Json& json) {
  LoopState state;
  json.at("unlogged_nats").get_to(state.unlogged_nats);
  state.unlogged_tokens = count_at(json, "unlogged_tokens");
  json.at("unlogged_seconds").get_to(state.unlogged_seconds);
  json.at("seconds").get_to(state.seconds);
  state.unfinished_record = record_from_json(json.at("unfinished_record"));
  if (json.contains("unused_state_evaluations")) {
    state.unused_state_evaluations = count_at(json, "unused_state_evaluations");
  }
  // Older versions kept a loss that was not finite, which is written as null.
  if (json.contains("best") && json.at("best").at("bits_per_token").is_number()) {
    const Json& best = json.at("best");
    state.best = {.step = count_at(best, "step"),
                  .bits_per_token = best.at("bits_per_token").get<double>()};
  }
  return state;
}

}  // namespace

std::string saved_run_to_json(const SavedRun& run) {
  const Json json = {{"format_version", kFormatVersion},
                     {"trainer", trainer_to_json(run.trainer)},
                     {"loop", loop_to_json(run.loop)},
                     {"data_fingerprint", run.data_fingerprint},
                     {"tokenizer_fingerprint", run.tokenizer_fingerprint},
                     {"validation_fingerprint", run.validation_fingerprint},
                     {"cpu_target", run.cpu_target},
                     {"config", run.config}};
  return json.dump(2) + "\n";
}

SavedRun saved_run_from_json(const std::string& text, const std::string& origin) {
  try {
    const Json json = parse_bounded_json<Json>(text);
    const int64_t version = count_at(json, "format_version");
    if (version != kFormatVersion) {
      throw CheckpointError(
          fmt::format("{}: format_version must be {}, got {}", origin, kFormatVersion, version),
          version > kFormatVersion ? "a later version of brt wrote it: use that one" : "");
    }
    SavedRun run;
    run.trainer = trainer_from_json(json.at("trainer"));
    run.loop = loop_from_json(json.at("loop"));
    json.at("data_fingerprint").get_to(run.data_fingerprint);
    json.at("tokenizer_fingerprint").get_to(run.tokenizer_fingerprint);
    run.validation_fingerprint = json.value("validation_fingerprint", "");
    run.cpu_target = json.value("cpu_target", "");
    json.at("config").get_to(run.config);
    return run;
  } catch (const nlohmann::json::exception& error) {
    throw CheckpointError(fmt::format("{}: damaged: {}", origin, error.what()));
  } catch (const DataError& error) {
    throw CheckpointError(fmt::format("{}: damaged: {}", origin, error.what()));
  }
}

}  // namespace brt
