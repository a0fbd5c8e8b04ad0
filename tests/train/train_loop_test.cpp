// SPDX-License-Identifier: Apache-2.0
// Whole runs in-process: files of the run folder, stop and resume, evaluation, retention.
#include "train/train_loop.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/model_path.h"
#include "checkpoint/run_folder.h"
#include "support/written_files.h"
#include "torch_checkpoint/model_folder.h"
#include "train/trainer.h"
#include "train/training_fixtures.h"

namespace brt {
namespace {

using nlohmann::json;

class TrainLoop : public testing::Test {
 protected:
  TrainRequest request(const std::string& run, const RunConfig& config) const {
    return {.config = config, .run_folder = folder_.path(run)};
  }

  /// Trains until `stop_after` steps have been done in this call (0: to the end).
  TrainResult train(const std::string& run, const RunConfig& config, int64_t stop_after = 0) {
    int64_t done = 0;
    warnings_.clear();
    notes_.clear();
    TrainObserver observer;
    observer.on_step = [&done](const TrainProgress&) { ++done; };
    observer.stop_requested = [&done, stop_after] { return stop_after > 0 && done >= stop_after; };
    observer.on_warning = [this](const std::string& text) { warnings_.push_back(text); };
    observer.on_note = [this](const std::string& text) { notes_.push_back(text); };
    return run_training(request(run, config), observer);
  }

  std::vector<json> metrics(const std::string& run) const {
    std::vector<json> lines;
    std::istringstream text(get_bytes(folder_.path(run) / "metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(json::parse(line));
    }
    return lines;
  }

  /// The lines without what depends on the clock.
  std::vector<json> timeless_metrics(const std::string& run) const {
    std::vector<json> lines = metrics(run);
    for (json& line : lines) {
      line.erase("seconds");
      line.erase("tokens_per_second");
    }
    return lines;
  }

  std::string weights(const std::string& run) const {
    return get_bytes(find_model_folder(folder_.path(run)) / "model.safetensors");
  }

  std::vector<int64_t> checkpoint_steps(const std::string& run) const {
    std::vector<int64_t> steps;
    for (const std::filesystem::path& path : list_checkpoints(folder_.path(run))) {
      steps.push_back(checkpoint_step(path));
    }
    return steps;
  }

  std::vector<int64_t> logged_steps(const std::string& run) const {
    std::vector<int64_t> steps;
    for (const json& line : metrics(run)) {
      steps.push_back(line["step"].get<int64_t>());
    }
    return steps;
  }

  TrainingFolder folder_;
  std::vector<std::string> warnings_;
  std::vector<std::string> notes_;
};

TEST_F(TrainLoop, FillsTheRunFolder) {
  RunConfig config = folder_.recipe();
  config.model.vocab_size = 0;
  const TrainResult result = train("run", config);
  EXPECT_EQ(result.step, 12);
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(checkpoint_steps("run"), (std::vector<int64_t>{8, 12}));
  EXPECT_EQ(result.checkpoint, folder_.path("run") / "checkpoints" / "step-00000012");
  const RunConfig saved = load_run_config(folder_.path("run") / "config.toml", {});
  EXPECT_EQ(saved.model.vocab_size, PreparedData(folder_.data()).vocab_size());
  EXPECT_EQ(load_model(folder_.path("run"))->config().vocab_size, saved.model.vocab_size);
  bool has_events = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("run"))) {
    has_events |= entry.path().filename().string().starts_with("events.out.tfevents.");
  }
  EXPECT_TRUE(has_events);
}

TEST_F(TrainLoop, LogsTheFirstTheLastAndEveryThirdStep) {
  RunConfig config = folder_.recipe();
  config.train.steps = 11;
  config.evaluation.every = 4;
  train("run", config);
  EXPECT_EQ(logged_steps("run"), (std::vector<int64_t>{1, 3, 4, 6, 8, 9, 11}));
  const std::vector<json> lines = metrics("run");
  for (const json& line : lines) {
    const int64_t step = line["step"].get<int64_t>();
    EXPECT_EQ(line.contains("validation"), step % 4 == 0 || step == 11) << line;
    EXPECT_NEAR(line["bits_per_token"].get<double>(), line["loss"].get<double>() * 1.442695, 1e-5);
    EXPECT_EQ(line["skipped_steps"], 0);
    const json& gate = line["gates"].begin().value();
    EXPECT_LE(gate["p1"].get<double>(), gate["mean"].get<double>());
    EXPECT_LE(gate["mean"].get<double>(), gate["p99"].get<double>());
    EXPECT_GT(line["state_rms"]["1"].get<double>(), 0.0);
  }
  const json& validation = lines.back()["validation"];
  EXPECT_GT(validation["tokens"].get<int64_t>(), 0);
  EXPECT_NE(validation["bits_per_token"], validation["bits_per_token_zero_state"]);
}

TEST_F(TrainLoop, ModelsWithoutRecurrenceLogNoGates) {
  RunConfig config = folder_.recipe();
  config.model.recurrent_layers = {};
  train("run", config);
  const json last = metrics("run").back();
  EXPECT_FALSE(last.contains("gates"));
  EXPECT_FALSE(last.contains("state_rms"));
  EXPECT_FALSE(last["validation"].contains("bits_per_token_zero_state"));
}

TEST_F(TrainLoop, StoppedAtAnyStepAndResumedIsBitEqual) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  for (int64_t stop_after = 1; stop_after < 12; ++stop_after) {
    const std::string run = "stopped" + std::to_string(stop_after);
    const TrainResult stopped = train(run, config, stop_after);
    EXPECT_TRUE(stopped.stopped);
    EXPECT_EQ(stopped.step, stop_after);
    EXPECT_EQ(checkpoint_steps(run).back(), stop_after);
    EXPECT_EQ(train(run, config).step, 12);
    EXPECT_TRUE(weights(run) == weights("whole")) << "stopped after " << stop_after;
    EXPECT_EQ(timeless_metrics(run), timeless_metrics("whole")) << "stopped after " << stop_after;
  }
}

TEST_F(TrainLoop, EvaluationsAndLogsDoNotDisturbTraining) {
  RunConfig config = folder_.recipe();
  train("logged", config);
  config.evaluation.every = 0;
  config.train.log_every = 100;
  config.train.checkpoint_every = 0;
  train("quiet", config);
  EXPECT_TRUE(weights("quiet") == weights("logged"));
  EXPECT_EQ(checkpoint_steps("quiet"), (std::vector<int64_t>{12}));
}

TEST_F(TrainLoop, InterruptedEvaluationIsDoneAfterTheResume) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  bool stop = false;
  TrainObserver observer;
  observer.on_evaluation = [&stop](const EvaluationProgress&) { stop = true; };
  observer.stop_requested = [&stop] { return stop; };
  const TrainResult stopped = run_training(request("run", config), observer);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_EQ(stopped.step, 6);
  EXPECT_EQ(logged_steps("run"), (std::vector<int64_t>{1, 3}));
  stop = false;
  observer.on_evaluation = {};
  EXPECT_EQ(run_training(request("run", config), observer).step, 12);
  EXPECT_EQ(timeless_metrics("run"), timeless_metrics("whole"));
  EXPECT_TRUE(weights("run") == weights("whole"));
}

TEST_F(TrainLoop, DamagedNewestCheckpointIsPassedOver) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  train("run", config, 9);
  damage_file(folder_.path("run") / "checkpoints" / "step-00000009" / "optimizer.safetensors");
  EXPECT_EQ(train("run", config).step, 12);
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(says(warnings_[0], "step-00000009: damaged"));
  EXPECT_TRUE(weights("run") == weights("whole"));
  EXPECT_EQ(timeless_metrics("run"), timeless_metrics("whole"));
}

TEST_F(TrainLoop, RunFolderWithAConfigButNoCheckpointStartsAnew) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  std::filesystem::create_directory(folder_.path("run"));
  RunConfig other = config;
  other.train.steps = 3;
  put_bytes(folder_.path("run") / "config.toml", run_config_to_toml(other));
  put_bytes(folder_.path("run") / "metrics.jsonl", "{\"step\":1}\n{\"step\":3}\n");
  train("run", config);
  EXPECT_EQ(timeless_metrics("run"), timeless_metrics("whole"));
  EXPECT_EQ(load_run_config(folder_.path("run") / "config.toml", {}), config);
}

TEST_F(TrainLoop, MoreStepsGoOnWhereTheScheduleAllows) {
  RunConfig config = folder_.recipe();
  config.train.steps = 7;
  train("run", config);
  config.train.steps = 12;
  EXPECT_EQ(train("run", config).step, 12);
  train("whole", config);
  EXPECT_TRUE(weights("run") == weights("whole"));
  EXPECT_EQ(load_run_config(folder_.path("run") / "config.toml", {}).train.steps, 12);
}

TEST_F(TrainLoop, AFinishedRunHasNothingToDo) {
  const RunConfig config = folder_.recipe();
  train("run", config);
  const std::vector<json> lines = metrics("run");
  const TrainResult again = train("run", config);
  EXPECT_EQ(again.step, 12);
  EXPECT_FALSE(again.stopped);
  EXPECT_EQ(metrics("run"), lines);
}

TEST_F(TrainLoop, OtherSettingsAreNamedAndTheRunStaysAsItWas) {
  RunConfig config = folder_.recipe();
  train("run", config, 5);
  const std::string saved = get_bytes(folder_.path("run") / "config.toml");
  config.optimizer.rate = 0.25;
  config.model.width = 32;
  const std::string message = thrown_message<ConfigError>([&] { train("run", config); });
  EXPECT_TRUE(says(message, "optimizer.rate was 1"));
  EXPECT_TRUE(says(message, "model.width was 16, now it is 32"));
  EXPECT_EQ(get_bytes(folder_.path("run") / "config.toml"), saved);
}

TEST_F(TrainLoop, OtherDataIsRefused) {
  const RunConfig config = folder_.recipe();
  train("run", config, 5);
  folder_.prepare("train", {50, 60, 70}, 55);
  EXPECT_TRUE(says(thrown_message<DataError>([&] { train("run", config); }),
                   "is not the data that the run began with"));
}

TEST_F(TrainLoop, MovedDataAreTheSameData) {
  RunConfig config = folder_.recipe();
  train("whole", config);
  train("run", config, 5);
  std::filesystem::rename(folder_.data(), folder_.path("moved"));
  config.data.path = folder_.path("moved").string();
  EXPECT_EQ(train("run", config).step, 12);
  ASSERT_FALSE(notes_.empty());
  EXPECT_TRUE(says(notes_[0], "moved; the data are the same"));
  EXPECT_TRUE(weights("run") == weights("whole"));
}

TEST_F(TrainLoop, AnotherValidationSplitIsRefused) {
  RunConfig config = folder_.recipe();
  train("run", config, 5);
  folder_.prepare("validation", {60, 20}, 300);
  EXPECT_TRUE(says(thrown_message<DataError>([&] { train("run", config); }),
                   "split validation is not the data that the run began with"));
  config.evaluation.every = 0;
  train("run", config, 2);
  config.evaluation.every = 6;
  EXPECT_TRUE(says(thrown_message<DataError>([&] { train("run", config); }),
                   "split validation is not the data"));
}

TEST_F(TrainLoop, ACheckpointThatCannotBeWrittenIsTriedAgainAfterEveryStep) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  const std::filesystem::path place = folder_.path("run") / "checkpoints";
  TrainObserver observer;
  observer.on_step = [&place](const TrainProgress& progress) {
    if (progress.step == 4) {
      put_bytes(place, "a file in the folder's place");
    } else if (progress.step == 6) {
      std::filesystem::remove(place);
    }
  };
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
  observer.on_warning = [&warnings](const std::string& text) { warnings.push_back(text); };
  observer.on_note = [&notes](const std::string& text) { notes.push_back(text); };
  EXPECT_EQ(run_training(request("run", config), observer).step, 12);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(says(warnings[0], "checkpoint of step 4 was not written"));
  EXPECT_TRUE(says(warnings[0], "tries again after every step, for 500 more"));
  EXPECT_EQ(std::ranges::count_if(
                notes, [](const std::string& note) { return note.ends_with("step-00000006"); }),
            1);
  EXPECT_EQ(checkpoint_steps("run"), (std::vector<int64_t>{8, 12}));
  EXPECT_TRUE(weights("run") == weights("whole"));
  EXPECT_EQ(timeless_metrics("run"), timeless_metrics("whole"));
}

TEST_F(TrainLoop, PatienceWithCheckpointsHasAnEnd) {
  RunConfig config = folder_.recipe();
  config.train.save_patience = 3;
  const std::filesystem::path place = folder_.path("run") / "checkpoints";
  TrainObserver observer;
  observer.on_step = [&place](const TrainProgress& progress) {
    if (progress.step == 4) {
      put_bytes(place, "a file in the folder's place");
    }
  };
  const std::string message =
      thrown_message<CheckpointError>([&] { run_training(request("run", config), observer); });
  EXPECT_TRUE(says(message, "checkpoint of step 7 was not written"));
  std::filesystem::remove(place);
  train("run", config);
  train("whole", config);
  EXPECT_TRUE(weights("run") == weights("whole"));
}

TEST_F(TrainLoop, AFolderDeletedDuringTheRunEndsItAndIsNotMadeAgain) {
  TrainObserver observer;
  observer.on_step = [this](const TrainProgress& progress) {
    if (progress.step == 3) {
      std::filesystem::remove_all(folder_.path("run"));
    }
  };
  EXPECT_TRUE(
      says(thrown_message<Error>([&] { run_training(request("run", folder_.recipe()), observer); }),
           "the folder was removed or replaced"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run")));
}

TEST_F(TrainLoop, ALockFileDeletedDuringTheRunEndsItWithACheckpointAndLetsNobodyIn) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  TrainObserver observer;
  std::string second;
  observer.on_step = [&](const TrainProgress& progress) {
    if (progress.step == 3) {
      std::filesystem::remove(folder_.path("run") / "run.lock");
      second = thrown_message<Error>([&] { const RunFolder other(folder_.path("run")); });
    }
  };
  const std::string message =
      thrown_message<Error>([&] { run_training(request("run", config), observer); });
  EXPECT_TRUE(says(second, "in use by another process"));
  EXPECT_TRUE(says(message, "the lock file was removed or replaced"));
  EXPECT_EQ(checkpoint_steps("run"), std::vector<int64_t>{3});
  train("run", config);
  EXPECT_TRUE(weights("run") == weights("whole"));
}

TEST_F(TrainLoop, ALossThatIsNotFiniteIsNeverTheBest) {
  RunConfig config = folder_.recipe();
  config.optimizer = {.type = OptimizerType::kAdamw,
                      .rate = 1e30,
                      .schedule = ScheduleType::kConstant,
                      .warmup = 0};
  config.train.steps = 5;
  config.train.checkpoint_every = 1;
  config.train.keep_best = true;
  config.evaluation.every = 1;
  train("run", config);
  EXPECT_TRUE(metrics("run").back()["validation"]["bits_per_token"].is_null());
  const std::string state =
      get_bytes(folder_.path("run") / "checkpoints/step-00000005/trainer.json");
  EXPECT_FALSE(json::parse(state)["loop"].contains("best"));
  config.train.steps = 6;
  EXPECT_EQ(train("run", config).step, 6);
}

TEST_F(TrainLoop, WeightsThatAreNotFiniteAreNotSavedAndTheCheckpointsBeforeAreKept) {
  RunConfig config = folder_.recipe();
  config.optimizer = {.type = OptimizerType::kAdamw,
                      .rate = 1e-3,
                      .schedule = ScheduleType::kConstant,
                      .warmup = 0};
  config.train.checkpoint_every = 1;
  config.train.keep_last = 2;
  train("run", config, 3);
  EXPECT_EQ(checkpoint_steps("run"), (std::vector<int64_t>{2, 3}));
  // The same run at a rate that takes the weights beyond float32.
  const std::filesystem::path newest = folder_.path("run") / "checkpoints/step-00000003";
  config.optimizer.rate = 1e39;
  json state = json::parse(get_bytes(newest / "trainer.json"));
  state["config"] = run_config_to_toml(config);
  put_bytes(newest / "trainer.json", state.dump());
  write_manifest(newest);
  EXPECT_TRUE(says(thrown_message<DivergenceError>([&] { train("run", config); }),
                   "holds numbers that are not finite, at step 4"));
  EXPECT_EQ(checkpoint_steps("run"), (std::vector<int64_t>{2, 3}));
}

TEST_F(TrainLoop, ACheckpointOfAnotherCpuTargetIsTakenWithAWarning) {
  const RunConfig config = folder_.recipe();
  train("run", config, 4);
  const std::filesystem::path newest = folder_.path("run") / "checkpoints/step-00000004";
  json state = json::parse(get_bytes(newest / "trainer.json"));
  state["cpu_target"] = "another";
  put_bytes(newest / "trainer.json", state.dump());
  write_manifest(newest);
  EXPECT_EQ(train("run", config).step, 12);
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(says(warnings_[0], "made with the CPU target another, this is "));
}

TEST_F(TrainLoop, AStateThatMakesNoDifferenceForLongIsSaidOnce) {
  RunConfig config = folder_.recipe();
  folder_.prepare("validation", {8, 6}, 100);  // shorter than a segment: no state comes in
  config.evaluation.every = 1;
  const auto told = [this] {
    return std::ranges::count_if(warnings_, [](const std::string& warning) {
      return warning.find("state unused: in the last 5 evaluations") != std::string::npos;
    });
  };
  train("run", config, 6);  // the evaluations of steps 3 to 6 follow the warm-up
  EXPECT_EQ(told(), 0);
  train("run", config);
  EXPECT_EQ(told(), 1);
}

TEST_F(TrainLoop, TheRecipeOfTheRunIsNeverWrittenOver) {
  RunConfig config = folder_.recipe();
  train("run", config, 3);
  const std::filesystem::path path = folder_.path("run") / "config.toml";
  TrainRequest again = request("run", config);
  again.recipe = path;
  again.config.train.log_every = 1;  // as by --set
  const std::string saved = get_bytes(path);
  run_training(again, {});
  EXPECT_EQ(get_bytes(path), saved);
  put_bytes(path, "# my notes\n" + saved);
  train("run", config);
  EXPECT_EQ(get_bytes(path), "# my notes\n" + saved);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(TrainLoop, AConfigThatSomebodySpoiltStaysWithAWarning) {
  const RunConfig config = folder_.recipe();
  train("run", config, 3);
  const std::filesystem::path path = folder_.path("run") / "config.toml";
  put_bytes(path, "garbage");
  train("run", config);
  EXPECT_EQ(get_bytes(path), "garbage");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(says(warnings_[0], "does not hold the run's settings"));
}

TEST_F(TrainLoop, LinesBehindOneThatCannotBeReadStay) {
  const RunConfig config = folder_.recipe();
  train("whole", config);
  train("run", config, 7);
  const std::filesystem::path path = folder_.path("run") / "metrics.jsonl";
  put_bytes(path, "garbage\n" + get_bytes(path));
  train("run", config);
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(says(warnings_[0], "line 1 (garbage)"));
  EXPECT_EQ(timeless_metrics("run"), timeless_metrics("whole"));
}

TEST_F(TrainLoop, VocabularySmallerThanTheDatasIsRefused) {
  RunConfig config = folder_.recipe();
  config.model.vocab_size = 256;
  EXPECT_TRUE(
      says(thrown_message<ConfigError>([&] { train("run", config); }), "model.vocab_size is 256"));
}

TEST_F(TrainLoop, MissingValidationSplitIsNamedBeforeTheFirstStep) {
  RunConfig config = folder_.recipe();
  config.data.validation_split = "dev";
  const std::string message = thrown_message<DataError>([&] { train("run", config); });
  EXPECT_TRUE(says(message, "there is no split \"dev\" (data.validation_split)"));
  EXPECT_TRUE(says(message, "evaluation.every = 0"));
}

TEST_F(TrainLoop, FolderInUseIsRefused) {
  const RunFolder other(folder_.path("run"));
  EXPECT_TRUE(says(thrown_message<Error>([&] { train("run", folder_.recipe()); }),
                   "in use by another process"));
}

TEST_F(TrainLoop, KeepsTheBestTheNewestAndMultiples) {
  RunConfig config = folder_.recipe();
  config.optimizer.schedule = ScheduleType::kConstant;
  config.optimizer.rate = 0.05;
  config.train.steps = 20;
  config.train.checkpoint_every = 2;
  config.train.keep_last = 1;
  config.train.keep_every = 6;
  config.train.keep_best = true;
  config.evaluation.every = 4;
  const TrainResult result = train("run", config);
  int64_t best_step = 0;
  double best = 1e9;
  for (const json& line : metrics("run")) {
    if (line.contains("validation") && line["validation"]["bits_per_token"] < best) {
      best = line["validation"]["bits_per_token"];
      best_step = line["step"];
    }
  }
  std::set<int64_t> expected = {6, 12, 18, 20, best_step};
  const std::vector<int64_t> kept = checkpoint_steps("run");
  EXPECT_EQ(std::set<int64_t>(kept.begin(), kept.end()), expected);
  ASSERT_TRUE(result.validation);
  EXPECT_EQ(result.validation->step, 20);
}

}  // namespace
}  // namespace brt
