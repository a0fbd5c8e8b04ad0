// SPDX-License-Identifier: Apache-2.0
// A whole training run in its folder: steps, log, evaluations, checkpoints, stop and resume.
#include "train/train_loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/machine_memory.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/run_folder.h"
#include "config/bounded_json.h"
#include "data/prepared_data.h"
#include "kernels/cpu_target.h"
#include "ops/compute_dtype.h"
#include "ops/compute_threads.h"
#include "torch_checkpoint/model_folder.h"
#include "train/checkpoint_saver.h"
#include "train/gate_monitor.h"
#include "train/memory_check.h"
#include "train/resume_check.h"
#include "train/run_log.h"
#include "train/step_record.h"
#include "train/trainer.h"
#include "train/unused_state.h"

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
  check_training_memory(config, machine_memory());
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

/// Whether a file, perhaps with comments of somebody's, has just these settings.
bool holds_settings(const fs::path& path, const RunConfig& config) {
  try {
    return load_run_config(path, {}) == config;
  } catch (const Error&) {
    return false;
  }
}

/// A training that runs.
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
  std::optional<RunLog> log_;
  std::optional<CheckpointSaver> saver_;
  std::optional<ValidationLoss> last_validation_;
  std::optional<double> last_bits_per_token_;
  std::string validation_fingerprint_;  ///< of the split that was read last; empty: none yet
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

  RunMessages messages() const;
  void write_config(const fs::path& recipe) const;
  void restore(const fs::path& checkpoint);
  RunData data() const;
  void finish_interrupted_step();
  void train_one_step();
  void report_step(const StepResult& result);
  void report_reset_lanes(const std::vector<int64_t>& lanes) const;
  Json make_record(const StepResult& result, const GateLog& gates);
  bool evaluate_into(Json& record);
  EvaluationResult evaluate_with(CarryMode carry);
  void watch_state(const EvaluationResult& carried, const EvaluationResult& zero_state);
  CheckpointSaver::Request checkpoint_request();
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

RunMessages TrainingRun::messages() const {
  return {.note = [this](const std::string& text) { call(observer_.on_note, text); },
          .warn = [this](const std::string& text) { call(observer_.on_warning, text); }};
}

/// Weights, settings and logs, anew or as the checkpoint has them.
void TrainingRun::begin(const TrainRequest& request) {
  folder_.emplace(request.run_folder);
  saver_.emplace(*folder_, config_.train, messages());
  const std::optional<fs::path> checkpoint =
      find_resume_checkpoint(folder_->path(), request.resume, messages().warn);
  if (checkpoint) {
    restore(*checkpoint);
    saver_->finish_last(*checkpoint, checkpoint_request());
  } else {
    trainer_.initialize_model();
  }
  if (validation_) {
    validation_fingerprint_ = data().validation;
  }
  write_config(request.recipe);
  // The line of an interrupted evaluation is not in the log yet.
  log_.emplace(folder_->path(), loop_.unfinished_record.empty() ? step() : step() - 1, step() + 1,
               messages());
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

/// config.toml, unless it is the recipe itself or somebody has written in it.
void TrainingRun::write_config(const fs::path& recipe) const {
  const fs::path path = folder_->path() / "config.toml";
  std::error_code error;
  if (name_exists(path)) {
    if (fs::equivalent(recipe, path, error)) {
      return;
    }
    if (!is_run_config_text(read_file(path))) {
      if (!holds_settings(path, config_)) {
        call(observer_.on_warning,
             fmt::format("{}: does not hold the run's settings, but is not as this program writes "
                         "it, so it stays; move it away to have it written by the next start",
                         path.string()));
      }
      return;
    }
  }
  write_file_atomically(path, run_config_to_toml(config_));
}

void TrainingRun::restore(const fs::path& checkpoint) {
  const SavedRun saved = read_resumed_run(checkpoint, config_, data(), messages());
  trainer_.restore(checkpoint, saved.trainer);
  loop_ = saved.loop;
  validation_fingerprint_ = saved.validation_fingerprint;
  earlier_seconds_ = loop_.seconds;
  checkpoint_ = checkpoint;
}

RunData TrainingRun::data() const {
  return {.training = hash_text(training_.fingerprint()),
          .tokenizer = hash_text(tokenizer_->fingerprint()),
          .validation = validation_ ? hash_text(validation_->fingerprint()) : ""};
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
  Json record = parse_bounded_json<Json>(loop_.unfinished_record);
  if (validation_ && !evaluate_into(record)) {
    stopped_ = true;  // the checkpoint says already what is to be done
    return;
  }
  loop_.unfinished_record.clear();
  log_->write(step(), record);
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
      log_->write(next, record);
    }
  } else {
    log_->retry();
  }
  saver_->check_place([this] { save_checkpoint(); });
  stopped_ = !loop_.unfinished_record.empty() || (next < config_.train.steps && stop_requested());
  if (stopped_ || saves_at(next) || saver_->is_overdue()) {
    save_checkpoint();
  }
}

void TrainingRun::report_step(const StepResult& result) {
  if (!result.accepted) {
    call(observer_.on_warning,
         fmt::format("step {} skipped: loss {}, gradient norm {} (not finite); weights unchanged",
                     step(), result.loss, result.gradient_norm));
  }
  report_reset_lanes(result.reset_lanes);
  const double nats = result.accepted ? result.loss : std::numeric_limits<double>::quiet_NaN();
  call(observer_.on_step, TrainProgress{.step = step(),
                                        .steps = config_.train.steps,
                                        .bits_per_token = bits_of_nats(nats),
                                        .bits_per_byte = bits_per_byte(nats),
                                        .tokens_per_second = tokens_per_second(),
                                        .learning_rate = result.learning_rate});
}

void TrainingRun::report_reset_lanes(const std::vector<int64_t>& lanes) const {
  if (!lanes.empty()) {
    call(observer_.on_warning,
         fmt::format("step {}: what lane{} {} carried was not finite; reset as at the start of a "
                     "document",
                     step(), lanes.size() == 1 ? "" : "s", fmt::join(lanes, ", ")));
  }
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
      watch_state(carried, *zero_state);
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

/// A state that makes no difference for long is told once: the run may not be what it seems.
void TrainingRun::watch_state(const EvaluationResult& carried, const EvaluationResult& zero_state) {
  if (step() <= config_.optimizer.warmup) {
    return;
  }
  const int64_t before = loop_.unused_state_evaluations;
  loop_.unused_state_evaluations = count_unused_state(before, carried.nats, zero_state.nats);
  if (before < kLongUnused && loop_.unused_state_evaluations == kLongUnused) {
    call(observer_.on_warning,
         fmt::format("state unused: in the last {} evaluations the loss with the state zeroed at "
                     "every segment equals that with it; longer documents, a longer segment or "
                     "more steps may change that",
                     kLongUnused));
  }
}

CheckpointSaver::Request TrainingRun::checkpoint_request() {
  return {.step = step(),
          .is_last_chance = stopped_ || step() == config_.train.steps,
          .best_step = loop_.best ? std::optional(loop_.best->step) : std::nullopt,
          .keep_all = trainer_.counters().skipped_in_a_row > 0,
          .write = [this](const fs::path& folder) { return write_checkpoint_files(folder); }};
}

/// @throws DivergenceError if a weight or moment is not finite.
void TrainingRun::save_checkpoint() {
  report_reset_lanes(trainer_.reset_broken_lanes());
  trainer_.check_finite();
  const bool is_evaluated = last_validation_ && last_validation_->step == step() &&
                            std::isfinite(last_validation_->bits_per_token);
  if (is_evaluated &&
      (!loop_.best || last_validation_->bits_per_token < loop_.best->bits_per_token)) {
    loop_.best = last_validation_;
  }
  loop_.seconds = run_seconds();
  log_->sync();
  if (const std::optional<fs::path> saved = saver_->save(checkpoint_request())) {
    checkpoint_ = *saved;
  }
}

WrittenFiles TrainingRun::write_checkpoint_files(const fs::path& folder) {
  WrittenFiles files = save_model(folder, trainer_.model(), tokenizer_->serialized());
  files.merge(trainer_.save_tensors(folder));
  const RunData read = data();
  const SavedRun saved = {.trainer = trainer_.state(),
                          .loop = loop_,
                          .config = run_config_to_toml(config_),
                          .data_fingerprint = read.training,
                          .tokenizer_fingerprint = read.tokenizer,
                          .validation_fingerprint = validation_fingerprint_,
                          .cpu_target = std::string(kernels::to_word(kernels::cpu_target()))};
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
