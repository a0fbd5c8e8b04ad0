// SPDX-License-Identifier: Apache-2.0
// Streams of files: what is there is read, what is not leaves its reason.
#include "base/file_stream.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "base/files.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

TEST(FileStream, ReadsTheBytesOfAFile) {
  const ScratchFolder folder;
  write_file_atomically(folder / "a", "one two");
  std::ifstream stream = open_stream(folder / "a");
  std::string word;
  ASSERT_TRUE(stream.seekg(4) && stream >> word);
  EXPECT_EQ(word, "two");
}

TEST(FileStream, AFileThatIsNotThereLeavesTheReason) {
  const ScratchFolder folder;
  const std::ifstream stream = open_stream(folder / "missing");
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(stream);
}

}  // namespace
}  // namespace brt
