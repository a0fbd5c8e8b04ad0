// SPDX-License-Identifier: Apache-2.0
// Whole records or none, on a disk that is full for a while.
#include "train/record_file.h"

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "checkpoint/scratch_folder.h"
#include "support/full_disk.h"

namespace brt {
namespace {

class RecordFileTest : public testing::Test {
 protected:
  ScratchFolder scratch_;
  std::filesystem::path path_ = scratch_ / "log";

  RecordFile open() const {
    return RecordFile(path_, ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666));
  }
};

TEST_F(RecordFileTest, RecordsAreAppended) {
  RecordFile file = open();
  file.append("one\n");
  file.append("two\n");
  file.sync();
  EXPECT_EQ(file.problem(), "");
  EXPECT_EQ(get_bytes(path_), "one\ntwo\n");
}

TEST_F(RecordFileTest, WhatDoesNotFitLeavesNoPartOfItselfAndIsWrittenLater) {
  RecordFile file = open();
  file.append("one\n");
  {
    const FullDisk full(6);
    file.append("two\n");
    EXPECT_TRUE(says(file.problem(), "log: cannot be written: File too large"));
    file.append("three\n");
    EXPECT_EQ(get_bytes(path_), "one\n");
  }
  file.flush();
  EXPECT_EQ(file.problem(), "");
  EXPECT_EQ(get_bytes(path_), "one\ntwo\nthree\n");
}

}  // namespace
}  // namespace brt
