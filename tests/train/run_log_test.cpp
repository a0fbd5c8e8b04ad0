// SPDX-License-Identifier: Apache-2.0
// The log of a run outlives a full disk, and the user hears of it once.
#include "train/run_log.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "checkpoint/scratch_folder.h"
#include "support/full_disk.h"

namespace brt {
namespace {

nlohmann::ordered_json record(int64_t step) { return {{"step", step}, {"loss", 1.5}}; }

TEST(RunLog, LinesWaitForAFullDiskAndTheUserHearsOfItOnce) {
  const ScratchFolder scratch;
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
  RunLog log(scratch.path(), /*last_step=*/0, /*first_step=*/1,
             {.note = [&notes](const std::string& text) { notes.push_back(text); },
              .warn = [&warnings](const std::string& text) { warnings.push_back(text); }});
  log.write(1, record(1));
  {
    const FullDisk full(30);
    log.write(2, record(2));
    log.retry();
    log.write(3, record(3));
    log.sync();
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_TRUE(says(warnings[0],
                     "metrics.jsonl: cannot be written: File too large; the run goes "
                     "on and tries again after every step"));
  }
  EXPECT_TRUE(notes.empty());
  log.retry();
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_TRUE(says(notes[0], "nothing of it was lost"));
  EXPECT_EQ(get_bytes(scratch / "metrics.jsonl"),
            record(1).dump() + "\n" + record(2).dump() + "\n" + record(3).dump() + "\n");
}

}  // namespace
}  // namespace brt
