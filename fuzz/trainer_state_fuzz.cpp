// SPDX-License-Identifier: Apache-2.0
// Any text is a trainer.json or gives a brt::Error; what was read is written and read again alike,
// its numbers are counts, and the lanes that it restores read on.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "data/lanes.h"
#include "fuzz_data.h"
#include "fuzz_input.h"
#include "train/trainer_state.h"

namespace brt {
namespace {

const PreparedSplit& split() {
  static const PreparedSplit opened =
      PreparedData(fuzz_data().scratch().path()).open_split(kFuzzSplit);
  return opened;
}

void require_counts(const SavedRun& run) {
  const TrainerState& trainer = run.trainer;
  for (const int64_t count : {trainer.step, trainer.tokens, trainer.skipped_steps,
                              trainer.skipped_in_a_row, run.loop.unlogged_tokens}) {
    require_of_parser(count >= 0);
  }
  require_of_parser(!run.loop.best || run.loop.best->step >= 0);
}

/// Past the end of an epoch.
void read_on(const std::string& saved) {
  static Lanes lanes(split(), fuzz_lane_options());
  static Segment segment;
  lanes.restore(saved);
  for (int step = 0; step < 6; ++step) {
    require_of_parser(lanes.next(segment));
  }
  lanes.restore(lanes.save());
}

}  // namespace
}  // namespace brt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(brt::input_text(data, size));
  try {
    const brt::SavedRun run = brt::saved_run_from_json(text, "trainer.json");
    brt::require_counts(run);
    brt::require_of_parser(brt::saved_run_from_json(brt::saved_run_to_json(run), "again") == run);
    brt::read_on(run.trainer.lanes);
  } catch (const brt::Error&) {
  }
  return 0;
}
