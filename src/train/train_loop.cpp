// SPDX-License-Identifier: Apache-2.0
// A whole training run in its folder: steps, log, evaluations, checkpoints, stop and resume.
#include "train/train_loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/run_folder.h"
#include "data/prepared_data.h"
#include "ops/compute_threads.h"
#include "safetensors/checkpoints.h"
#include "train/gate_monitor.h"
#include "train/metrics_log.h"
#include "train/step_record.h"
#include "train/tensorboard_log.h"
#include "train/trainer.h"

namespace brt {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

template <class... Arguments>
void call(const std::function<void(Arguments...)>& callback,
          const std::type_identity_t<Arguments>&... arguments) {
  if (callback) {
    callback(arguments...);
  }
}

/// Thrown out of an evaluation that a stop request interrupts; never leaves this file.
struct EvaluationInterrupted {};

RunConfig with_vocabulary(RunConfig config, const PreparedData& data) {
  if (config.model.vocab_size == 0) {
    config.model.vocab_size = data.vocab_size();
  }
  if (config.model.vocab_size < data.vocab_size()) {
    throw ConfigError(
        fmt::format("model.vocab_size is {}, but {} has tokens up to {}", config.model.vocab_size,
                    data.folder().string(), data.vocab_size()),
        "leave vocab_size out; it follows the prepared data");
  }
  return config;
}

/// The validation split, or nothing if the run is never evaluated.
std::unique_ptr<PreparedSplit> open_validation(const RunConfig& config, const PreparedData& data) {
  const std::string& name = config.data.validation_split;
  if (config.evaluation.every == 0 || name.empty()) {
    return nullptr;
  }
  const std::vector<std::string> names = data.split_names();
  if (std::ranges::find(names, name) == names.end()) {
    throw DataError(
        fmt::format("{}: there is no split \"{}\" (data.validation_split)", data.folder().string(),
                    name),
        fmt::format("make it with brt prepare --split {}, or set evaluation.every = 0", name));
  }
  return std::make_unique<PreparedSplit>(data.open_split(name));
}

int64_t count_parameters_of(LanguageModel& model) {
  int64_t count = 0;
  for (const at::Tensor& parameter : model->parameters()) {
    count += parameter.numel();
  }
  return count;
}

/// A run under way.
class TrainingRun {
 public:
  TrainingRun(RunConfig config, const PreparedData& data, const TrainObserver& observer)
      : config_(std::move(config)),
        observer_(observer),
        tokenizer_(data.tokenizer()),
        training_(data.open_split(config_.data.train_split)),
        validation_(open_validation(config_, data)),
        trainer_(config_, training_) {}

  /// The first to write anything: makes the run folder, or goes on in it.
  void begin(const TrainRequest& request);
  TrainResult run();

 private:
  RunConfig config_;
  std::optional<RunFolder> folder_;
  const TrainObserver& observer_;
  std::unique_ptr<Tokenizer> tokenizer_;
  PreparedSplit training_;
  std::unique_ptr<PreparedSplit> validation_;
  Trainer trainer_;
  LoopState loop_;
  std::unique_ptr<MetricsLog> metrics_;
  std::unique_ptr<TensorboardLog> tensorboard_;
  std::optional<ValidationLoss> last_validation_;
  std::optional<double> last_bits_per_token_;
  fs::path checkpoint_;
  Clock::time_point begin_ = Clock::now();
  double earlier_seconds_ = 0.0;
  bool stopped_ = false;

  int64_t step() const { return trainer_.counters().step; }
  double run_seconds() const { return earlier_seconds_ + seconds_since(begin_); }
  bool stop_requested() const { return observer_.stop_requested && observer_.stop_requested(); }
  double bits_per_byte(double nats_per_token) const;
  double tokens_per_second() const;
  bool is_recurrent() const { return !config_.model.recurrent_layers.empty(); }
  bool evaluates_at(int64_t step) const;
  bool logs_at(int64_t step) const;
  bool saves_at(int64_t step) const;

  void restore(const fs::path& checkpoint);
  void finish_interrupted_step();
  void train_one_step();
  void report_step(const StepResult& result);
  Json make_record(const StepResult& result, const GateLog& gates);
  bool evaluate_into(Json& record);
  EvaluationResult evaluate_with(CarryMode carry);
  void write_record(const Json& record);
  void save_checkpoint();
  WrittenFiles write_checkpoint_files(const fs::path& folder);
};

double TrainingRun::bits_per_byte(double nats_per_token) const {
  return bits_of_nats(nats_per_token) * static_cast<double>(training_.total_tokens()) /
         static_cast<double>(training_.total_bytes());
}

double TrainingRun::tokens_per_second() const {
  return static_cast<double>(loop_.unlogged_tokens) / loop_.unlogged_seconds;
}

bool TrainingRun::evaluates_at(int64_t step) const {
  return validation_ && (step % config_.evaluation.every == 0 || step == config_.train.steps);
}

bool TrainingRun::logs_at(int64_t step) const {
  return step == 1 || step == config_.train.steps || step % config_.train.log_every == 0 ||
         evaluates_at(step);
}

bool TrainingRun::saves_at(int64_t step) const {
  const int64_t every = config_.train.checkpoint_every;
  return step == config_.train.steps || (every > 0 && step % every == 0);
}

/// Weights, settings and logs, anew or as the checkpoint has them.
void TrainingRun::begin(const TrainRequest& request) {
  folder_.emplace(request.run_folder);
  const std::optional<fs::path> checkpoint = find_resume_checkpoint(
      folder_->path(), request.resume,
      [this](const std::string& warning) { call(observer_.on_warning, warning); });
  if (checkpoint) {
    restore(*checkpoint);
  } else {
    trainer_.initialize_model();
  }
  write_file_atomically(folder_->path() / "config.toml", run_config_to_toml(config_));
  // The line of an interrupted evaluation is not in the log yet.
  metrics_ = std::make_unique<MetricsLog>(folder_->path() / "metrics.jsonl",
                                          loop_.unfinished_record.empty() ? step() : step() - 1);
  tensorboard_ = std::make_unique<TensorboardLog>(folder_->path(), step() + 1);
  call(observer_.on_start, TrainStart{.config = config_,
                                      .step = step(),
                                      .parameters = count_parameters_of(trainer_.model()),
                                      .training_tokens = training_.total_tokens(),
                                      .training_documents = training_.num_documents()});
  if (const std::string division = trainer_.division(); !division.empty()) {
    call(observer_.on_note, division);
  }
  begin_ = Clock::now();
}

void TrainingRun::restore(const fs::path& checkpoint) {
  const std::string origin = (checkpoint / "trainer.json").string();
  const SavedRun saved = saved_run_from_json(read_file(origin), origin);
  check_resumed_config(parse_run_config(saved.config, origin, {}), config_, saved.trainer.step);
  const std::string fingerprint = hash_text(training_.fingerprint());
  if (saved.data_fingerprint != fingerprint ||
      saved.tokenizer_fingerprint != hash_text(tokenizer_->fingerprint())) {
    throw DataError(
        fmt::format("{}: split {} is not the data that the run began with (fingerprint {}, was {})",
                    config_.data.path, config_.data.train_split, fingerprint,
                    saved.data_fingerprint),
        "prepare the same texts with the same tokenizer, or choose another --run folder");
  }
  trainer_.restore(checkpoint, saved.trainer);
  loop_ = saved.loop;
  earlier_seconds_ = loop_.seconds;
  checkpoint_ = checkpoint;
}

TrainResult TrainingRun::run() {
  finish_interrupted_step();
  while (!stopped_ && step() < config_.train.steps) {
    train_one_step();
  }
  const TrainerState& counters = trainer_.counters();
  return {.step = counters.step,
          .stopped = stopped_,
          .tokens = counters.tokens,
          .skipped_steps = counters.skipped_steps,
          .seconds = run_seconds(),
          .bits_per_token = last_bits_per_token_,
          .validation = last_validation_,
          .checkpoint = checkpoint_};
}

/// Makes up for the evaluation during which the run was stopped.
void TrainingRun::finish_interrupted_step() {
  if (loop_.unfinished_record.empty()) {
    return;
  }
  Json record = Json::parse(loop_.unfinished_record);
  if (validation_ && !evaluate_into(record)) {
    stopped_ = true;  // the checkpoint says already what is to be done
    return;
  }
  loop_.unfinished_record.clear();
  write_record(record);
  save_checkpoint();
}

void TrainingRun::train_one_step() {
  const int64_t next = step() + 1;
  const bool is_logged = logs_at(next);
  GateLog gates;
  call(observer_.on_step_begin, next);
  const Clock::time_point begin = Clock::now();
  const StepResult result = trainer_.step(is_logged && is_recurrent() ? &gates : nullptr);
  loop_.unlogged_seconds += seconds_since(begin);
  if (result.accepted) {
    loop_.unlogged_nats += result.loss * static_cast<double>(result.targets);
    loop_.unlogged_tokens += result.targets;
  }
  report_step(result);
  if (is_logged) {
    Json record = make_record(result, gates);
    if (evaluates_at(next) && !evaluate_into(record)) {
      loop_.unfinished_record = record.dump();
    } else {
      write_record(record);
    }
  }
  stopped_ = !loop_.unfinished_record.empty() || (next < config_.train.steps && stop_requested());
  if (stopped_ || saves_at(next)) {
    save_checkpoint();
  }
}

void TrainingRun::report_step(const StepResult& result) {
  if (!result.accepted) {
    call(observer_.on_warning,
         fmt::format("step {} skipped: loss {}, gradient norm {} (not finite); weights unchanged",
                     step(), result.loss, result.gradient_norm));
  }
  const double nats = result.accepted ? result.loss : std::numeric_limits<double>::quiet_NaN();
  call(observer_.on_step, TrainProgress{.step = step(),
                                        .steps = config_.train.steps,
                                        .bits_per_token = bits_of_nats(nats),
                                        .bits_per_byte = bits_per_byte(nats),
                                        .tokens_per_second = tokens_per_second(),
                                        .learning_rate = result.learning_rate});
}

/// The line of this step, evaluation apart; the sums begin anew.
Json TrainingRun::make_record(const StepResult& result, const GateLog& gates) {
  // Without an accepted step since the last line this is 0/0: not a number, written as null.
  const double nats = loop_.unlogged_nats / static_cast<double>(loop_.unlogged_tokens);
  const StepRecord record = {.step = step(),
                             .tokens = trainer_.counters().tokens,
                             .nats_per_token = nats,
                             .bits_per_byte = bits_per_byte(nats),
                             .learning_rate = result.learning_rate,
                             .gradient_norm = result.gradient_norm,
                             .tokens_per_second = tokens_per_second(),
                             .seconds = run_seconds(),
                             .epoch = trainer_.epoch(),
                             .skipped_steps = trainer_.counters().skipped_steps,
                             .gates = summarize_gates(gates),
                             .state_rms = state_rms(trainer_.carry())};
  loop_.unlogged_nats = 0.0;
  loop_.unlogged_tokens = 0;
  loop_.unlogged_seconds = 0.0;
  last_bits_per_token_ = bits_of_nats(nats);
  return step_record_to_json(record);
}

/// Adds the validation loss to a line; false if a stop request came first.
bool TrainingRun::evaluate_into(Json& record) {
  try {
    const EvaluationResult carried = evaluate_with(CarryMode::kCarried);
    std::optional<EvaluationResult> zero_state;
    if (is_recurrent()) {
      zero_state = evaluate_with(CarryMode::kNone);
    }
    record["validation"] = validation_to_json(carried, zero_state ? &*zero_state : nullptr);
    last_validation_ = {.step = step(), .bits_per_token = carried.bits_per_token()};
    call(observer_.on_note,
         fmt::format("step {}: validation {:.4f} bits per token, {:.4f} per byte", step(),
                     carried.bits_per_token(), carried.bits_per_byte()));
    return true;
  } catch (const EvaluationInterrupted&) {
    return false;
  }
}

EvaluationResult TrainingRun::evaluate_with(CarryMode carry) {
  if (stop_requested()) {
    throw EvaluationInterrupted();
  }
  const int64_t documents = std::max<int64_t>(validation_->num_documents(), 1);
  EvaluationOptions options;
  options.carry = carry;
  options.lanes = std::min(config_.evaluation.lanes, documents);
  options.dtype = compute_dtype(config_.train.dtype);
  if (config_.evaluation.max_tokens > 0) {
    // Two tokens are the fewest that predict anything.
    options.max_document_tokens = std::max<int64_t>(config_.evaluation.max_tokens / documents, 2);
  }
  return evaluate(trainer_.model(), *validation_, options, [this](const EvaluationProgress& now) {
    call(observer_.on_evaluation, now);
    if (stop_requested()) {
      throw EvaluationInterrupted();
    }
  });
}

void TrainingRun::write_record(const Json& record) {
  metrics_->append(record.dump());
  tensorboard_->write(step(), record_scalars(record));
}

void TrainingRun::save_checkpoint() {
  const bool is_evaluated = last_validation_ && last_validation_->step == step();
  if (is_evaluated &&
      (!loop_.best || last_validation_->bits_per_token < loop_.best->bits_per_token)) {
    loop_.best = last_validation_;
  }
  loop_.seconds = run_seconds();
  try {
    metrics_->sync();
    checkpoint_ = folder_->save_checkpoint(
        step(), [this](const fs::path& folder) { return write_checkpoint_files(folder); });
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    throw CheckpointError(
        fmt::format("checkpoint of step {} was not written: {}", step(),
                    reason.substr(0, reason.find("\nhint: "))),
        fmt::format("earlier checkpoints of {} are as they were; free disk space and run again",
                    folder_->path().string()));
  }
  call(observer_.on_note, fmt::format("checkpoint {}", checkpoint_.string()));
  RetentionPolicy policy;
  policy.keep_last = config_.train.keep_last;
  policy.keep_every = config_.train.keep_every;
  if (config_.train.keep_best && loop_.best) {
    policy.best_step = loop_.best->step;
  }
  folder_->apply_retention(policy);
}

WrittenFiles TrainingRun::write_checkpoint_files(const fs::path& folder) {
  WrittenFiles files = save_model(folder, trainer_.model(), tokenizer_->serialized());
  files.merge(trainer_.save_tensors(folder));
  const SavedRun saved = {.trainer = trainer_.state(),
                          .loop = loop_,
                          .config = run_config_to_toml(config_),
                          .data_fingerprint = hash_text(training_.fingerprint()),
                          .tokenizer_fingerprint = hash_text(tokenizer_->fingerprint())};
  files["trainer.json"] = write_recorded_file(folder / "trainer.json", saved_run_to_json(saved));
  return files;
}

}  // namespace

TrainResult run_training(const TrainRequest& request, const TrainObserver& observer) {
  if (request.config.data.path.empty()) {
    throw ConfigError("data.path is not set: there is nothing to train on",
                      "set it to a folder made by brt prepare");
  }
  const PreparedData data(request.config.data.path);
  const RunConfig config = with_vocabulary(request.config, data);
  if (request.resume == ResumeMode::kMust && list_checkpoints(request.run_folder).empty()) {
    find_resume_checkpoint(request.run_folder, request.resume, {});  // complains
  }
  set_compute_threads(config.train.threads);
  TrainingRun run(config, data, observer);
  run.begin(request);
  return run.run();
}

}  // namespace brt
