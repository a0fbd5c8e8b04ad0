// SPDX-License-Identifier: Apache-2.0
// Reads config.toml, metrics.jsonl, evaluation/*.json and the sample of a run folder.
#include "report/run_record.h"

#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "config/bounded_json.h"
#include "config/json_numbers.h"

namespace brt {
namespace {

/// What carries are called in JSON and by --carry; files may have either name.
constexpr std::array<std::pair<const char*, const char*>, 3> kCarries = {
    {{"carried", "full"}, {"none", "no-state"}, {"reset", "nothing"}}};

double number_at(const nlohmann::json& object, const std::string& key) {
  const nlohmann::json::const_iterator found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>()
                                                     : std::numeric_limits<double>::quiet_NaN();
}

int64_t count_at(const nlohmann::json& object, const char* key) {
  return whole_number_in(object.at(key), 0, std::numeric_limits<int64_t>::max());
}

LoggedStep parse_step(const nlohmann::json& object) {
  LoggedStep step = {.step = count_at(object, "step"),
                     .tokens = number_at(object, "tokens"),
                     .bits_per_token = number_at(object, "bits_per_token"),
                     .bits_per_byte = number_at(object, "bits_per_byte"),
                     .tokens_per_second = number_at(object, "tokens_per_second"),
                     .seconds = number_at(object, "seconds")};
  if (object.contains("gates")) {
    for (const auto& [name, gate] : object.at("gates").items()) {
      step.gates[name] = {number_at(gate, "mean"), number_at(gate, "p1"), number_at(gate, "p99")};
    }
  }
  if (object.contains("state_rms")) {
    for (const auto& [layer, rms] : object.at("state_rms").items()) {
      step.state_rms[layer] =
          rms.is_number() ? rms.get<double>() : std::numeric_limits<double>::quiet_NaN();
    }
  }
  if (object.contains("validation") && object.at("validation").is_object()) {
    const nlohmann::json& validation = object.at("validation");
    step.validation = {.bits_per_byte = number_at(validation, "bits_per_byte"),
                       .bits_per_token = number_at(validation, "bits_per_token")};
  }
  return step;
}

/// Appends a step; a run that went back to a checkpoint logs steps again, and the later line
/// counts.
void append_step(std::vector<LoggedStep>& steps, LoggedStep step) {
  while (!steps.empty() && steps.back().step >= step.step) {
    steps.pop_back();
  }
  steps.push_back(std::move(step));
}

std::vector<LoggedStep> read_steps(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  std::vector<LoggedStep> steps;
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) {
      break;  // a line that was cut off
    }
    ++line;
    try {
      append_step(steps, parse_step(parse_bounded_json<nlohmann::json>(
                             std::string_view(text).substr(begin, end - begin))));
    } catch (const std::exception& error) {  // the JSON reader's too
      throw DataError(
          fmt::format("{}:{}: not a line of metrics: {}", path.string(), line, error.what()));
    }
    begin = end + 1;
  }
  if (steps.empty()) {
    throw DataError(fmt::format("{}: no step is logged", path.string()), "train the run first");
  }
  return steps;
}

}  // namespace

const EvaluationRecord* RunRecord::evaluation(const std::string& carry) const {
  const std::map<std::string, EvaluationRecord>::const_iterator found = evaluations.find(carry);
  return found == evaluations.end() ? nullptr : &found->second;
}

EvaluationRecord read_evaluation(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    const nlohmann::json object = parse_bounded_json<nlohmann::json>(text);
    EvaluationRecord record = {.split = object.at("split").get<std::string>(),
                               .documents = count_at(object, "documents"),
                               .tokens = count_at(object, "tokens"),
                               .bytes = count_at(object, "bytes"),
                               .bits_per_token = number_at(object, "bits_per_token"),
                               .bits_per_byte = number_at(object, "bits_per_byte"),
                               .word_perplexity = number_at(object, "word_perplexity"),
                               .tokens_per_second = number_at(object, "tokens_per_second")};
    for (const nlohmann::json& interval : object.at("by_position")) {
      record.by_position.push_back({number_at(interval, "from"), number_at(interval, "to"),
                                    number_at(interval, "bits_per_token")});
    }
    return record;
  } catch (const std::exception& error) {  // the JSON reader's too
    throw DataError(
        fmt::format("{}: not the output of brt eval --json: {}", path.string(), error.what()));
  }
}

RunRecord read_run_record(const std::string& name, const std::filesystem::path& folder) {
  const std::filesystem::path config_path = folder / "config.toml";
  if (!std::filesystem::exists(config_path)) {
    throw DataError(fmt::format("{}: not a run folder (no config.toml)", folder.string()),
                    "give a folder made by brt train --run");
  }
  RunRecord record = {.name = name, .config_text = read_file(config_path)};
  record.config = parse_run_config(record.config_text, config_path.string(), {});
  record.steps = read_steps(folder / "metrics.jsonl");
  record.seeds = {record.config.train.seed};
  for (const auto& [carry, label] : kCarries) {
    for (const char* word : {label, carry}) {  // the last one that is there counts
      const std::filesystem::path path = folder / "evaluation" / fmt::format("{}.json", word);
      if (std::filesystem::exists(path)) {
        record.evaluations[carry] = read_evaluation(path);
      }
    }
  }
  if (std::filesystem::exists(folder / "sample.txt")) {
    record.sample = read_file(folder / "sample.txt");
  }
  if (std::filesystem::exists(folder / "sample-prompt.txt")) {
    record.sample_prompt = read_file(folder / "sample-prompt.txt");
  }
  return record;
}

}  // namespace brt
