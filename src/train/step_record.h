// SPDX-License-Identifier: Apache-2.0
// One line of metrics.jsonl, and the same numbers for TensorBoard.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/evaluation.h"
#include "train/gate_monitor.h"
#include "train/tensorboard_log.h"

namespace brt {

/// What is logged of a step. Numbers that are not finite are written as null.
struct StepRecord {
  int64_t step = 0;
  int64_t tokens = 0;           ///< learned from so far
  double nats_per_token = 0.0;  ///< mean since the last line
  double bits_per_byte = 0.0;
  double learning_rate = 0.0;
  double gradient_norm = 0.0;
  double tokens_per_second = 0.0;
  double seconds = 0.0;
  int64_t epoch = 0;
  int64_t skipped_steps = 0;
  std::map<std::string, GateSummary> gates;  ///< recurrent models only, as state_rms
  std::map<int64_t, double> state_rms;
};

nlohmann::ordered_json step_record_to_json(const StepRecord& record);

/// The object "validation" of a line. @param zero_state  the evaluation without the state that
/// comes in, or null for models without recurrence.
nlohmann::ordered_json validation_to_json(const EvaluationResult& carried,
                                          const EvaluationResult* zero_state);

/// Every finite number of a line but its step: tags are the keys, joined by "/".
std::vector<TensorboardScalar> record_scalars(const nlohmann::ordered_json& record);

double bits_of_nats(double nats);

}  // namespace brt
