// SPDX-License-Identifier: Apache-2.0
// trainer.json: exact round trip, damaged text refused.
#include "train/trainer_state.h"

#include <gtest/gtest.h>

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
                   .unfinished_record = "{\"step\":7}"},
          .config = "[train]\nsteps = 9\n",
          .data_fingerprint = "0123456789abcdef",
          .tokenizer_fingerprint = "fedcba9876543210"};
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

TEST(SavedRun, DamagedTextNamesTheFile) {
  for (const std::string& text : {std::string("{"), std::string("{}"), std::string("[1]")}) {
    EXPECT_TRUE(says(thrown_message<CheckpointError>(
                         [&] { saved_run_from_json(text, "step-00000007/trainer.json"); }),
                     "step-00000007/trainer.json: damaged"));
  }
}

TEST(SavedRun, AnUnfinishedRecordThatIsDamagedOrNestedDeeplyIsRefused) {
  for (const std::string& record : {std::string("{"), std::string(100'000, '['),
                                    std::string(100'000, '[') + std::string(100'000, ']')}) {
    SavedRun run = some_run();
    run.loop.unfinished_record = record;
    EXPECT_TRUE(says(thrown_message<CheckpointError>(
                         [&] { saved_run_from_json(saved_run_to_json(run), "trainer.json"); }),
                     "trainer.json: damaged"));
  }
}

TEST(SavedRun, OtherFormatVersionIsRefused) {
  EXPECT_TRUE(says(thrown_message<CheckpointError>(
                       [] { saved_run_from_json("{\"format_version\":2}", "trainer.json"); }),
                   "format_version must be 1, got 2"));
}

}  // namespace
}  // namespace brt
