// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: lines added, and cut off where a run goes on.
#include "train/metrics_log.h"

#include <gtest/gtest.h>

#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

constexpr const char* kThreeLines = "{\"step\":1,\"loss\":3.0}\n{\"step\":10}\n{\"step\":20}\n";

TEST(MetricsLog, AppendsWholeLines) {
  const ScratchFolder folder;
  MetricsLog log(folder / "metrics.jsonl", 0);
  log.append("{\"step\":1}");
  log.append("{\"step\":2}");
  log.sync();
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"), "{\"step\":1}\n{\"step\":2}\n");
}

TEST(MetricsLog, LinesAfterTheCheckpointAreCutOff) {
  const ScratchFolder folder;
  put_bytes(folder / "metrics.jsonl", kThreeLines);
  MetricsLog log(folder / "metrics.jsonl", 12);
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"), "{\"step\":1,\"loss\":3.0}\n{\"step\":10}\n");
  log.append("{\"step\":20,\"again\":true}");
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"),
            "{\"step\":1,\"loss\":3.0}\n{\"step\":10}\n{\"step\":20,\"again\":true}\n");
}

TEST(MetricsLog, LinesUpToTheCheckpointStay) {
  const ScratchFolder folder;
  put_bytes(folder / "metrics.jsonl", kThreeLines);
  const MetricsLog log(folder / "metrics.jsonl", 20);
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"), kThreeLines);
}

TEST(MetricsLog, HalfALineOfAKilledRunIsCutOff) {
  const ScratchFolder folder;
  put_bytes(folder / "metrics.jsonl", std::string(kThreeLines) + "{\"step\":3");
  const MetricsLog log(folder / "metrics.jsonl", 100);
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"), kThreeLines);
}

TEST(MetricsLog, ALineThatIsNoRecordIsDroppedAndSaidAndThoseBehindItStay) {
  const ScratchFolder folder;
  put_bytes(folder / "metrics.jsonl",
            "{\"step\":1}\ngar\x1b"
            "bage\n{\"step\":5}\n{\"epoch\":2}\n{\"step\":20}\n");
  const MetricsLog log(folder / "metrics.jsonl", 12);
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"), "{\"step\":1}\n{\"step\":5}\n");
  EXPECT_TRUE(says(log.dropped(),
                   "dropped what is no record of a step: line 2 (gar?bage), "
                   "line 4 ({\"epoch\":2})"));
}

TEST(MetricsLog, NothingIsSaidOfLinesThatAreWrittenAgain) {
  const ScratchFolder folder;
  put_bytes(folder / "metrics.jsonl", kThreeLines);
  EXPECT_EQ(MetricsLog(folder / "metrics.jsonl", 12).dropped(), "");
}

TEST(MetricsLog, ARunFromTheStartBeginsAnEmptyFile) {
  const ScratchFolder folder;
  put_bytes(folder / "metrics.jsonl", kThreeLines);
  const MetricsLog log(folder / "metrics.jsonl", 0);
  EXPECT_EQ(get_bytes(folder / "metrics.jsonl"), "");
}

}  // namespace
}  // namespace brt
