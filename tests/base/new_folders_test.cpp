// SPDX-License-Identifier: Apache-2.0
// New folders are taken back while they are empty, and never others.
#include "base/new_folders.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/error.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

TEST(NewFolders, MissingOnesAreMadeAndTakenBack) {
  const ScratchFolder scratch;
  NewFolders folders(scratch / "a/b/c/");
  EXPECT_FALSE(folders.empty());
  EXPECT_TRUE(fs::is_directory(scratch / "a/b/c"));
  folders.remove_empty();
  EXPECT_FALSE(fs::exists(scratch / "a"));
  EXPECT_TRUE(fs::exists(scratch.path()));
}

TEST(NewFolders, FoldersThatWereThereStay) {
  const ScratchFolder scratch;
  fs::create_directory(scratch / "a");
  NewFolders folders(scratch / "a");
  EXPECT_TRUE(folders.empty());
  folders.remove_empty();
  EXPECT_TRUE(fs::exists(scratch / "a"));
}

TEST(NewFolders, WhatHoldsAFileStays) {
  const ScratchFolder scratch;
  NewFolders folders(scratch / "a/b");
  put_bytes(scratch / "a/file", "text");
  folders.remove_empty();
  EXPECT_FALSE(fs::exists(scratch / "a/b"));
  EXPECT_TRUE(fs::exists(scratch / "a/file"));
}

TEST(NewFolders, AFileInTheirPlaceIsAnErrorThatLeavesNothing) {
  const ScratchFolder scratch;
  put_bytes(scratch / "file", "text");
  EXPECT_TRUE(says(thrown_message<Error>([&] { NewFolders folders(scratch / "file"); }),
                   "a file of that name is there"));
  EXPECT_TRUE(says(thrown_message<Error>([&] { NewFolders folders(scratch / "file/a/b"); }),
                   "folder cannot be made"));
  EXPECT_EQ(get_bytes(scratch / "file"), "text");
}

}  // namespace
}  // namespace brt
