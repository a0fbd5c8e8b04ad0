// SPDX-License-Identifier: Apache-2.0
// Places where no output file can be are found before it is written.
#include "base/output_check.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

std::string complaint(const std::filesystem::path& path) {
  return thrown_message<Error>([&] { check_output_file(path); });
}

TEST(OutputCheck, ANewFileAndAnOldOneAreFineAndNothingIsWritten) {
  const ScratchFolder scratch;
  put_bytes(scratch / "old", "text");
  check_output_file(scratch / "old");
  check_output_file(scratch / "new");
  EXPECT_EQ(get_bytes(scratch / "old"), "text");
  EXPECT_FALSE(std::filesystem::exists(scratch / "new"));
}

TEST(OutputCheck, AFolderIsNoPlaceForAFile) {
  const ScratchFolder scratch;
  EXPECT_TRUE(says(complaint(scratch.path()), "it names a folder"));
  EXPECT_TRUE(says(complaint(scratch / "new/"), "it names a folder"));
}

TEST(OutputCheck, AMissingFolderIsNamed) {
  const ScratchFolder scratch;
  const std::string message = complaint(scratch / "none/file");
  EXPECT_TRUE(says(message, "there is no folder \"" + (scratch / "none").string() + "\""));
  EXPECT_TRUE(says(message, "hint: make the folder first"));
}

}  // namespace
}  // namespace brt
