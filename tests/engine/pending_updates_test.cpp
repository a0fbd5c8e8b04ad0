// SPDX-License-Identifier: Apache-2.0
// Updates of several streams, divided among threads.
#include "engine/pending_updates.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"

namespace brt {
namespace {

ModelConfig two_cells() {
  ModelConfig config = case_config(/*window=*/9, /*num_states=*/5);
  config.recurrent_layers = {0, 1};
  return config;
}

/// Moves the updates of streams on as if these tokens had been read.
void move_on(PackedCase& model, std::span<const StepStream> streams) {
  PendingUpdates<float> updates(model.model, model.layout, model.team, /*max_streams=*/4);
  std::vector<AlignedBuffer> scratch(static_cast<size_t>(model.team.most()),
                                     AlignedBuffer(updates.scratch_bytes()));
  model.team.run([&](int64_t thread) {
    std::byte* own = scratch[static_cast<size_t>(thread)].data();
    updates.run_before_tokens(streams, thread, own);
    updates.run_after_tokens(streams, thread, own);
  });
  updates.end_step();
}

TEST(PendingUpdates, WhatIsDueIsDoneAndWrittenDown) {
  PackedCase model(two_cells());
  StreamState state = model.engine.begin();
  const UpdateUnits units(model.model.config(), *model.model.layer(0).cell);
  const UpdateSchedule schedule(units, 9);
  const std::vector<StepStream> streams = {{&state, 0, 4, 0}};
  move_on(model, streams);
  const int64_t due = std::max(units.before_tokens(), schedule.units_due(4, 1));
  EXPECT_EQ(StateAccess::units_done(state, 0), due);
  EXPECT_EQ(StateAccess::units_done(state, 1), due);
}

TEST(PendingUpdates, TheEndOfABlockBeginsTheListAnew) {
  PackedCase model(two_cells());
  StreamState state = model.engine.begin();
  const std::vector<float> before(state.state(1).begin(), state.state(1).end());
  const std::vector<StepStream> streams = {{&state, 0, 9, 0}};
  move_on(model, streams);
  EXPECT_EQ(StateAccess::units_done(state, 0), 0);
  EXPECT_EQ(StateAccess::units_done(state, 1), 0);
  EXPECT_FALSE(std::ranges::equal(state.state(1), before));
}

TEST(PendingUpdates, ThreadsAndStreamsBesideDoNotChangeABit) {
  PackedCase one(two_cells(), WeightFormat::kFloat32, /*threads=*/1);
  PackedCase three(two_cells(), WeightFormat::kFloat32, /*threads=*/3);
  StreamState alone = one.engine.begin();
  one.engine.feed(alone, random_tokens(9, 1));
  std::vector<StreamState> several(3, alone);
  for (const int64_t position : {0, 4}) {
    const std::vector<StepStream> streams = {{&alone, 0, position == 0 ? 4 : 5, position}};
    move_on(one, streams);
  }
  const std::vector<StepStream> at_once = {
      {&several[0], 0, 3, 0}, {&several[1], 3, 9, 0}, {&several[2], 12, 1, 0}};
  move_on(three, at_once);
  EXPECT_TRUE(std::ranges::equal(several[1].state(0), alone.state(0)));
  EXPECT_TRUE(std::ranges::equal(several[1].state(1), alone.state(1)));
}

TEST(PendingUpdates, WithoutRecurrentLayersThereIsNothingToDo) {
  PackedCase model(one_layer_config(/*window=*/4, /*is_recurrent=*/false));
  StreamState state = model.engine.begin();
  const std::vector<StepStream> streams = {{&state, 0, 4, 0}};
  move_on(model, streams);
  EXPECT_EQ(StateAccess::units_done(state, 0), 0);
}

}  // namespace
}  // namespace brt
