// SPDX-License-Identifier: Apache-2.0
// What a run folder holds for a report: settings, logged steps, evaluations and a sample of text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace brt {

/// Values of one gate over states and features.
struct LoggedGate {
  double mean = 0.0;
  double p1 = 0.0;
  double p99 = 0.0;
};

/// Lowest and highest value of several seeds.
struct SeedRange {
  double low = 0.0;
  double high = 0.0;
};

struct LoggedValidation {
  double bits_per_byte = 0.0;
  double bits_per_token = 0.0;
  std::optional<SeedRange> range = {};  ///< of bits_per_byte, if this is a mean of seeds
};

/// One line of metrics.jsonl. A number that is missing or null is NaN.
struct LoggedStep {
  int64_t step = 0;
  double tokens = 0.0;
  double bits_per_token = 0.0;
  double bits_per_byte = 0.0;
  double tokens_per_second = 0.0;
  double seconds = 0.0;
  std::map<std::string, LoggedGate> gates = {};  ///< by parameter name; recurrent models only
  std::map<std::string, double> state_rms = {};  ///< by layer
  std::optional<LoggedValidation> validation = {};
};

struct LossAtPosition {
  double from = 0.0;
  double to = 0.0;
  double bits_per_token = 0.0;
  std::optional<SeedRange> range = {};  ///< of bits_per_token, if this is a mean of seeds
};

/// The output of `brt eval --json`.
struct EvaluationRecord {
  std::string split = {};
  int64_t documents = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
  double bits_per_token = 0.0;
  double bits_per_byte = 0.0;
  double word_perplexity = 0.0;
  double tokens_per_second = 0.0;
  std::vector<LossAtPosition> by_position = {};
  std::optional<SeedRange> range = {};  ///< of bits_per_byte, if this is a mean of seeds
};

/// A run, or the mean of several that differ by their seed alone (run_average.h).
struct RunRecord {
  std::string name = {};
  std::vector<int64_t> seeds = {};
  RunConfig config = {};
  std::string config_text = {};
  std::vector<LoggedStep> steps = {};  ///< in order of steps, none twice
  std::map<std::string, EvaluationRecord> evaluations =
      {};  ///< by carry: "carried", "none", "reset"
  std::optional<std::string> sample = {};
  std::string sample_prompt = {};

  bool is_recurrent() const { return !config.model.recurrent_layers.empty(); }
  /// The evaluation of that carry, or null.
  const EvaluationRecord* evaluation(const std::string& carry) const;
};

/// Reads one evaluation. @throws DataError if the file is not the output of `brt eval --json`.
EvaluationRecord read_evaluation(const std::filesystem::path& path);

/// Reads a run folder; evaluations (evaluation/CARRY.json, the file named by either word for the
/// carry) and sample.txt, sample-prompt.txt may be missing. A last line of metrics.jsonl that was
/// cut off is passed over.
/// @throws Error naming the file (and line) that is missing or cannot be read.
RunRecord read_run_record(const std::string& name, const std::filesystem::path& folder);

}  // namespace brt
