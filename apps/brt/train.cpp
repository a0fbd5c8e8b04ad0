// SPDX-License-Identifier: Apache-2.0
// brt train: trains a model in a run folder, from the start or from its newest checkpoint.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "base/files.h"
#include "base/output_check.h"
#include "base/path_text.h"
#include "config/enum_text.h"
#include "config/override_notes.h"
#include "messages.h"
#include "ops/compute_dtype.h"
#include "profile/profile.h"
#include "progress_bar.h"
#include "standard_output.h"
#include "stop_signal.h"
#include "target_warning.h"
#include "train/train_loop.h"
#include "train/trainer.h"
#include "verbs.h"
#include "visible_text.h"

namespace brt {
namespace {

struct TrainArguments {
  std::string config;
  std::vector<std::string> overrides;
  std::string run;
  std::string resume = "auto";
  std::string profile;
  bool json = false;
};

constexpr int kDiverged = 3;

constexpr const char* kExamples = R"(examples:
  brt train --config recipes/tiny.toml --run runs/tiny
      trains; called again it goes on from the newest checkpoint
  brt train --config recipes/small.toml --set train.steps=2000 --set model.gate=lstm --run runs/lstm
      the recipe with two settings changed
  brt train --config recipes/small.toml --run runs/small --resume must
      only goes on; without a checkpoint it is an error
  brt train --config recipes/small.toml --run runs/small --profile runs/small.trace.json
      also shows where five steps spend their time; ui.perfetto.dev opens the file

Ctrl-C (or SIGTERM, SIGHUP) finishes the step, writes a checkpoint and stops with exit code 130
(143, 129); a second one stops at once. A run whose numbers are not finite any more ends with exit
code 3; its checkpoints stay. A resumed run gives, bit for bit, the weights of the uninterrupted one on
the same CPU target, whatever train.threads is.

settings of the config file, and of --set:
)";

/// Shows a run on stderr.
class TrainDisplay {
 public:
  void start(const TrainStart& start);
  void step(const TrainProgress& progress);
  void evaluation(const EvaluationProgress& progress);
  void note(const std::string& text);
  void table(const std::string& text);  ///< whole lines, written as they are
  void warning(const std::string& text);
  void finish(const TrainResult& result, const std::string& run);
  void close() { bar_.reset(); }  ///< so that what follows begins on a line of its own

 private:
  std::unique_ptr<ProgressBar> bar_;
  int64_t step_ = 0;
  std::string figures_;  ///< of the last step
};

/// "3 layers of width 32, 2 heads of 16, window 16, segment 64; recurrent: layer 1 with 8 ..."
std::string model_summary(const ModelConfig& model) {
  std::string text =
      fmt::format("{} layers of width {}, {} heads of {}, window {}, segment {}", model.num_layers,
                  model.width, model.num_heads, model.head_size, model.window, model.segment);
  if (!model.recurrent_layers.empty()) {
    text += fmt::format("; recurrent: layer {} with {} states, gate {}, cell {}",
                        fmt::join(model.recurrent_layers, ", "), model.num_states,
                        to_word(model.gate), to_word(model.cell));
  }
  return text;
}

void TrainDisplay::start(const TrainStart& start) {
  const RunConfig& config = start.config;
  spdlog::debug("settings:\n{}", run_config_to_toml(config));
  spdlog::info("model: {}; {} parameters", model_summary(config.model), start.parameters);
  spdlog::info("data: {}, split {}: {} tokens in {} documents", config.data.path,
               config.data.train_split, start.training_tokens, start.training_documents);
  spdlog::info(
      "training: {} steps of {} lanes x {} tokens, {}, {} (all settings: --log-level "
      "debug)",
      config.train.steps, config.train.lanes, config.model.segment, to_word(config.optimizer.type),
      to_word(config.train.dtype));
  if (start.step > 0) {
    spdlog::info("going on after step {} of {}", start.step, config.train.steps);
  }
  if (start.step < config.train.steps && spdlog::should_log(spdlog::level::info)) {
    bar_ = std::make_unique<ProgressBar>("training", "steps", start.config.train.steps);
    bar_->start_at(start.step);
  }
  step_ = start.step;
}

void TrainDisplay::step(const TrainProgress& progress) {
  step_ = progress.step;
  figures_ =
      fmt::format("{:.4f} bits/token, {:.4f} bits/byte, {:.0f} tokens/s", progress.bits_per_token,
                  progress.bits_per_byte, progress.tokens_per_second);
  if (bar_) {
    bar_->update(step_, figures_);
  }
}

void TrainDisplay::evaluation(const EvaluationProgress& progress) {
  if (bar_ && progress.total_tokens > 0) {
    bar_->update(step_, fmt::format("evaluating {:.0f} %, {:.4f} bits/token",
                                    100.0 * static_cast<double>(progress.tokens) /
                                        static_cast<double>(progress.total_tokens),
                                    progress.bits_per_token));
  }
}

void TrainDisplay::note(const std::string& text) {
  if (bar_) {
    bar_->print_line(text);
  } else {
    spdlog::info("{}", text);
  }
}

void TrainDisplay::table(const std::string& text) {
  if (bar_) {
    bar_->print_line(std::string_view(text).substr(0, text.find_last_not_of('\n') + 1));
  } else {
    write_message(text);
  }
}

void TrainDisplay::warning(const std::string& text) {
  if (bar_) {
    bar_->print_line("warning: " + text);
  } else {
    spdlog::warn("{}", text);
  }
}

void TrainDisplay::finish(const TrainResult& result, const std::string& run) {
  if (bar_ && !result.stopped) {
    bar_->update(step_, figures_);  // not those of the last evaluation
    bar_->finish();
  }
  bar_.reset();
  if (result.stopped) {
    spdlog::warn("stopped after step {}; the same command goes on from {}", result.step,
                 result.checkpoint.string());
  } else {
    spdlog::info("{}: {} steps done, {} tokens, {:.1f} s", run, result.step, result.tokens,
                 result.seconds);
  }
}

/// Profiles a few steps of a run into a file. The first steps of a process, which take fresh
/// memory, are passed over if enough follow.
class RunProfile {
 public:
  RunProfile(std::string file, TrainDisplay& display) : file_(std::move(file)), display_(display) {}

  void start(const TrainStart& start);
  void begin_step(int64_t step);
  void end_step();
  /// Writes what was recorded if the run ended before it was complete.
  void finish();

 private:
  static constexpr int64_t kPassedOver = 2;
  static constexpr int64_t kProfiled = 5;

  std::string file_;
  TrainDisplay& display_;
  StepProfiler profiler_;
  int64_t first_ = 0;
  int64_t last_ = -1;
  bool is_written_ = false;

  void write();
};

void RunProfile::start(const TrainStart& start) {
  const int64_t left = start.config.train.steps - start.step;
  first_ = start.step + 1 + std::clamp<int64_t>(left - 1, 0, kPassedOver);
  last_ = std::min(first_ + kProfiled - 1, start.config.train.steps);
}

void RunProfile::begin_step(int64_t step) {
  if (first_ <= step && step <= last_) {
    profiler_.begin_step(step);
  }
}

void RunProfile::end_step() {
  profiler_.end_step();
  if (profiler_.steps() > 0 && profiler_.steps() == last_ - first_ + 1 && !is_written_) {
    write();
  }
}

void RunProfile::finish() {
  if (!is_written_ && profiler_.steps() > 0) {
    write();
  } else if (!is_written_) {
    display_.warning(fmt::format("no step to profile was run: {} is not written", file_));
  }
}

void RunProfile::write() {
  const std::vector<ProfileEvent> events = profiler_.events();
  write_file_atomically(file_, profile_to_trace(events));
  is_written_ = true;
  display_.note(fmt::format("profile of steps {} to {}, {} calls: {}", events.front().step,
                            events.back().step, events.size(), file_));
  display_.table(profile_to_table(summarize_profile(events)));
}

void print_json(const TrainArguments& arguments, const TrainResult& result) {
  nlohmann::ordered_json json = {{"run", path_text(arguments.run)},
                                 {"step", result.step},
                                 {"stopped", result.stopped},
                                 {"tokens", result.tokens},
                                 {"skipped_steps", result.skipped_steps},
                                 {"seconds", result.seconds},
                                 {"checkpoint", path_text(result.checkpoint)}};
  if (result.bits_per_token) {
    json["bits_per_token"] = *result.bits_per_token;
  }
  if (result.validation) {
    json["validation"] = {{"step", result.validation->step},
                          {"bits_per_token", result.validation->bits_per_token}};
  }
  write_standard_output(json.dump() + "\n");
}

/// A run that diverged has an exit code of its own, so that scripts can tell it from a failure.
TrainResult train_or_diverge(const TrainRequest& request,
                             const TrainObserver& observer,
                             TrainDisplay& display) {
  try {
    return run_training(request, observer);
  } catch (const DivergenceError& error) {
    display.close();
    write_message(fmt::format("brt: {}\n", visible_message(error.what())));
    throw CLI::RuntimeError(kDiverged);
  }
}

void run_train(const TrainArguments& arguments) {
  std::vector<std::string> notes;
  TrainRequest request = {.config = load_run_config(arguments.config, arguments.overrides, notes),
                          .run_folder = arguments.run,
                          .recipe = arguments.config,
                          .resume = resume_mode_from_word(arguments.resume)};
  for (const std::string& note : notes) {
    spdlog::info("{}", note);
  }
  // The run keeps what it begins with.
  request.config.train.dtype = resolved_dtype(request.config.train.dtype);
  warn_of_scalar_target();
  catch_stop_signals();
  outlive_reader();  // of the log too: `brt train 2>&1 | head` goes on to its checkpoints
  TrainDisplay display;
  TrainObserver observer;
  observer.stop_requested = stop_requested;
  std::optional<RunProfile> profile;
  if (!arguments.profile.empty()) {
    check_output_file(arguments.profile);
    profile.emplace(arguments.profile, display);
  }
  observer.on_start = [&display, &profile](const TrainStart& start) {
    display.start(start);
    if (profile) {
      profile->start(start);
    }
  };
  observer.on_step_begin = [&profile](int64_t step) {
    if (profile) {
      profile->begin_step(step);
    }
  };
  observer.on_step = [&display, &profile](const TrainProgress& progress) {
    if (profile) {
      profile->end_step();  // first: drawing is no part of the step
    }
    display.step(progress);
  };
  observer.on_evaluation = [&display](const EvaluationProgress& progress) {
    display.evaluation(progress);
  };
  observer.on_note = [&display](const std::string& text) { display.note(text); };
  observer.on_warning = [&display](const std::string& text) { display.warning(text); };
  const TrainResult result = train_or_diverge(request, observer, display);
  if (profile) {
    profile->finish();
  }
  display.finish(result, arguments.run);
  if (arguments.json) {
    print_json(arguments, result);
  }
  if (result.stopped) {
    throw CLI::RuntimeError(stop_exit_code());
  }
  if (reader_is_gone()) {
    end_without_reader();
  }
}

}  // namespace

void add_train_verb(CLI::App& app) {
  const std::shared_ptr<TrainArguments> arguments = std::make_shared<TrainArguments>();
  CLI::App* verb = app.add_subcommand("train", "Train a model in a run folder, or go on training.");
  verb->add_option("--config", arguments->config, "recipe: a TOML file with the run's settings")
      ->required();
  verb->add_option("--set", arguments->overrides,
                   "section.key=value: a setting in place of the recipe's; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--run", arguments->run, "folder of the run; made if it is missing")->required();
  verb->add_option("--resume", arguments->resume,
                   "where the run has checkpoints: auto (go on), never (error); must: error where "
                   "it has none")
      ->check(CLI::IsMember({"auto", "never", "must"}))
      ->capture_default_str();
  verb->add_option("--profile", arguments->profile,
                   "JSON file for a time line of five steps, the third to the seventh of this "
                   "call, in Chrome's trace format; a table of them goes to stderr");
  verb->add_flag("--json", arguments->json, "one JSON object on stdout at the end");
  verb->footer(kExamples + run_config_help());
  verb->callback([arguments] { run_train(*arguments); });
}

}  // namespace brt
