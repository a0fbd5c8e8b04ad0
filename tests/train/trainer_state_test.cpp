// SPDX-License-Identifier: Apache-2.0
// trainer.json: exact round trip, damaged text refused.
#include "train/trainer_state.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

SavedRun some_run() {
  return {.trainer = {.step = 7,
                      .tokens = 12345,
                      .skipped_steps = 2,
                      .skipped_in_a_row = 1,
                      .pending_starts = {0, 1, 1},
                      .lanes = "{\"epoch\":0}"},
          .loop = {.unlogged_nats = 0.1 + 0.2,
                   .unlogged_tokens = 99,
                   .unlogged_seconds = 1.0 / 3.0,
                   .seconds = 17.25,
                   .best = ValidationLoss{.step = 4, .bits_per_token = 2.0 / 7.0},
                   .unfinished_record = "{\"step\":7}",
                   .unused_state_evaluations = 3},
          .config = "[train]\nsteps = 9\n",
          .data_fingerprint = "0123456789abcdef",
          .tokenizer_fingerprint = "fedcba9876543210",
          .validation_fingerprint = "00112233",
          .cpu_target = "avx512"};
}

TEST(SavedRun, RoundTripIsExact) {
  const SavedRun run = some_run();
  EXPECT_EQ(saved_run_from_json(saved_run_to_json(run), "trainer.json"), run);
}

TEST(SavedRun, NoBestLossStaysNone) {
  SavedRun run = some_run();
  run.loop.best.reset();
  EXPECT_EQ(saved_run_from_json(saved_run_to_json(run), "trainer.json"), run);
}

TEST(SavedRun, ABestLossThatIsNoNumberIsNone) {
  SavedRun run = some_run();
  run.loop.best->bits_per_token = std::nan("");
  const SavedRun read = saved_run_from_json(saved_run_to_json(run), "trainer.json");
  EXPECT_FALSE(read.loop.best);
}

TEST(SavedRun, FilesOfVersionsThatKnewLessAreRead) {
  nlohmann::json json = nlohmann::json::parse(saved_run_to_json(some_run()));
  json.erase("validation_fingerprint");
  json.erase("cpu_target");
  json["loop"].erase("unused_state_evaluations");
  SavedRun expected = some_run();
  expected.validation_fingerprint = "";
  expected.cpu_target = "";
  expected.loop.unused_state_evaluations = 0;
  EXPECT_EQ(saved_run_from_json(json.dump(), "trainer.json"), expected);
}

TEST(SavedRun, DamagedTextNamesTheFile) {
  for (const std::string& text : {std::string("{"), std::string("{}"), std::string("[1]")}) {
    EXPECT_TRUE(says(thrown_message<CheckpointError>(
                         [&] { saved_run_from_json(text, "step-00000007/trainer.json"); }),
                     "step-00000007/trainer.json: damaged"));
  }
}

TEST(SavedRun, NumbersThatAreNoCountsAreRefused) {
  const std::string sound = saved_run_to_json(some_run());
  const auto refuses = [&](const std::string& from, const std::string& to) {
    std::string text = sound;
    const size_t place = text.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    text.replace(place, from.size(), to);
    EXPECT_THROW(saved_run_from_json(text, "trainer.json"), CheckpointError) << to;
  };
  for (const std::string number :
       {"-1", "1e300", "7.5", "true", "null", "9223372036854775807", "18446744073709551615"}) {
    refuses("\"step\": 7", "\"step\": " + number);
    refuses("\"tokens\": 12345", "\"tokens\": " + number);
    refuses("\"skipped_steps\": 2", "\"skipped_steps\": " + number);
    refuses("\"skipped_in_a_row\": 1", "\"skipped_in_a_row\": " + number);
    refuses("\"unlogged_tokens\": 99", "\"unlogged_tokens\": " + number);
    refuses("\"step\": 4", "\"step\": " + number);
    refuses("\"format_version\": 1", "\"format_version\": " + number);
  }
  refuses("      1,\n", "      256,\n");  // of pending_starts
}

TEST(SavedRun, AnUnfinishedRecordIsALineOfMetrics) {
  const auto message = [](const std::string& record) {
    SavedRun run = some_run();
    run.loop.unfinished_record = record;
    const std::string text = saved_run_to_json(run);
    return thrown_message<CheckpointError>([&] { saved_run_from_json(text, "trainer.json"); });
  };
  EXPECT_EQ(message(""), message("{\"step\":7,\"loss\":null}"));
  for (const char* record : {"{", "[1]", "7", "{}", "{\"step\":null}", "\"step\""}) {
    EXPECT_TRUE(says(message(record), "trainer.json: damaged")) << record;
  }
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_TRUE(says(message("{\"step\":7,\"x\":" + deep + "}"), "nested more than 64 deep"));
}

TEST(SavedRun, OtherFormatVersionIsRefused) {
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [] { saved_run_from_json("{\"format_version\":2}", "trainer.json"); }),
                   "format_version must be 1, got 2"));
}

}  // namespace
}  // namespace brt
