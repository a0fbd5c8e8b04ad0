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

TEST(SavedRun, OtherFormatVersionIsRefused) {
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [] { saved_run_from_json("{\"format_version\":2}", "trainer.json"); }),
                   "format_version must be 1, got 2"));
}

}  // namespace
}  // namespace brt
