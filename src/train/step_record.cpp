// SPDX-License-Identifier: Apache-2.0
// One line of metrics.jsonl, and the same numbers for TensorBoard.
#include "train/step_record.h"

#include <numbers>

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

void collect_scalars(const Json& value,
                     const std::string& tag,
                     std::vector<TensorboardScalar>& scalars) {
  if (value.is_number()) {
    scalars.push_back({.tag = tag, .value = value.get<double>()});
    return;
  }
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      collect_scalars(member, tag + "/" + key, scalars);
    }
  }
}

}  // namespace

double bits_of_nats(double nats) { return nats * std::numbers::log2e; }

Json step_record_to_json(const StepRecord& record) {
  Json json = {{"step", record.step},
               {"tokens", record.tokens},
               {"loss", record.nats_per_token},
               {"bits_per_token", bits_of_nats(record.nats_per_token)},
               {"bits_per_byte", record.bits_per_byte},
               {"lr", record.learning_rate},
               {"grad_norm", record.gradient_norm},
               {"tokens_per_second", record.tokens_per_second},
               {"seconds", record.seconds},
               {"epoch", record.epoch},
               {"skipped_steps", record.skipped_steps}};
  for (const auto& [name, gate] : record.gates) {
    json["gates"][name] = {{"mean", gate.mean}, {"p1", gate.p1}, {"p99", gate.p99}};
  }
  for (const auto& [layer, rms] : record.state_rms) {
    json["state_rms"][std::to_string(layer)] = rms;
  }
  return json;
}

Json validation_to_json(const EvaluationResult& carried, const EvaluationResult* zero_state) {
  Json json = {{"tokens", carried.tokens},
               {"bits_per_token", carried.bits_per_token()},
               {"bits_per_byte", carried.bits_per_byte()}};
  if (zero_state != nullptr) {
    json["bits_per_token_zero_state"] = zero_state->bits_per_token();
  }
  return json;
}

std::vector<TensorboardScalar> record_scalars(const Json& record) {
  // Through text: what is not finite is null there.
  const Json written = Json::parse(record.dump());
  std::vector<TensorboardScalar> scalars;
  for (const auto& [key, value] : written.items()) {
    if (key != "step") {
      collect_scalars(value, key, scalars);
    }
  }
  return scalars;
}

}  // namespace brt
