// SPDX-License-Identifier: Apache-2.0
// Whole reads, atomic writes, maps and locks.
#include "base/files.h"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"

namespace brt {
namespace {

/// A fresh folder for each test.
class Files : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("brt_files_" + name + "_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  int64_t entries() const {
    return std::distance(std::filesystem::directory_iterator(folder_),
                         std::filesystem::directory_iterator());
  }

  std::filesystem::path folder_;
};

template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(Files, AreReadAsTheyWereWritten) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1} << 20, (size_t{1} << 20) + 1}) {
    std::string bytes(size, 'x');
    if (size > 1) {
      bytes[0] = '\0';
      bytes[size - 1] = '\xff';
    }
    write_file_atomically(folder_ / "file", bytes);
    EXPECT_TRUE(read_file(folder_ / "file") == bytes) << "size " << size;
    EXPECT_TRUE(MappedFile(folder_ / "file").bytes() == bytes) << "size " << size;
  }
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, AWrittenFileReplacesTheOldOneOnlyAtItsCommit) {
  write_file_atomically(folder_ / "file", "old");
  AtomicFile file(folder_ / "file");
  file.write("ne");
  file.write("w", 1);
  EXPECT_EQ(file.bytes_written(), 3U);
  EXPECT_EQ(read_file(folder_ / "file"), "old");
  file.commit();
  EXPECT_EQ(read_file(folder_ / "file"), "new");
}

TEST_F(Files, NothingRemainsOfAFileWithoutCommit) {
  {
    AtomicFile file(folder_ / "file");
    file.write(std::string(3 << 20, 'x'));
    EXPECT_EQ(entries(), 1);
  }
  EXPECT_EQ(entries(), 0);
}

TEST_F(Files, AFullDiskIsNamedWithAHint) {
  if (!std::filesystem::exists("/dev/full")) {
    GTEST_SKIP() << "no /dev/full on this system";
  }
  // The temporary file is a link to the device on which every write fails.
  const std::filesystem::path target = folder_ / "file";
  std::filesystem::create_symlink("/dev/full",
                                  target.string() + ".partial-" + std::to_string(::getpid()));
  const std::string message = message_of([&] { write_file_atomically(target, "bytes"); });
  EXPECT_EQ(message, target.string() +
                         ": write failed: No space left on device\nhint: free some space on that "
                         "disk and run the command again");
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST_F(Files, AMissingFileIsNamedWithTheReason) {
  const std::filesystem::path missing = folder_ / "missing";
  const std::string expected = missing.string() +
                               ": cannot be opened: No such file or directory\nhint: check the "
                               "path; a relative one begins at the folder of the command";
  EXPECT_EQ(message_of([&] { read_file(missing); }), expected);
  EXPECT_EQ(message_of([&] { MappedFile file(missing); }), expected);
  EXPECT_THROW(read_file(missing), DataError);
}

TEST_F(Files, AFolderIsNoFile) {
  EXPECT_EQ(message_of([&] { read_file(folder_); }),
            folder_.string() + ": is a folder, a file was expected");
}

TEST_F(Files, AFileInAMissingFolderCannotBeCreated) {
  const std::filesystem::path target = folder_ / "missing" / "file";
  EXPECT_EQ(message_of([&] { write_file_atomically(target, ""); }),
            target.string() +
                ": cannot be created: No such file or directory\nhint: make its folder first");
}

TEST_F(Files, AMapKeepsItsBytesWhenMoved) {
  write_file_atomically(folder_ / "file", "bytes");
  MappedFile first(folder_ / "file");
  MappedFile second(std::move(first));
  EXPECT_EQ(second.bytes(), "bytes");
  write_file_atomically(folder_ / "other", "other");
  MappedFile third(folder_ / "other");
  third = std::move(second);
  EXPECT_EQ(third.bytes(), "bytes");
}

TEST_F(Files, ALockIsHeldOnceAndFreeAfterItsEnd) {
  const std::filesystem::path path = folder_ / "lock";
  std::optional<FileLock> lock(std::in_place, path);
  const std::string message = message_of([&] { FileLock second(path); });
  EXPECT_EQ(message, folder_.string() + ": in use by another process (pid " +
                         std::to_string(::getpid()) +
                         ")\nhint: wait for it to end, or choose another folder");
  lock.reset();
  EXPECT_NO_THROW(FileLock third(path));
}

}  // namespace
}  // namespace brt
