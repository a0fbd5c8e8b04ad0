// SPDX-License-Identifier: Apache-2.0
// Whole reads, atomic writes, maps and locks.
#include "base/files.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

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
    EXPECT_LE(entries(), 1);  // none where a file can be without a name
  }
  EXPECT_EQ(entries(), 0);
}

TEST_F(Files, AFullDiskIsNamedWithAHint) {
  if (!std::filesystem::exists("/dev/full")) {
    GTEST_SKIP() << "no /dev/full on this system";
  }
  const std::filesystem::path target = folder_ / "file";
  std::filesystem::create_symlink("/dev/full", target);  // the device on which every write fails
  const std::string message = message_of([&] { write_file_atomically(target, "bytes"); });
  EXPECT_EQ(message, target.string() +
                         ": write failed: No space left on device\nhint: free some space on that "
                         "disk and run the command again");
  EXPECT_TRUE(std::filesystem::is_symlink(target));
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
            target.string() + ": cannot be written: there is no folder \"" +
                target.parent_path().string() + "\"\nhint: make the folder first");
}

TEST_F(Files, AbsentAndUnreadableAreTwoErrors) {
  EXPECT_THROW(read_file(folder_ / "missing"), FileAbsent);
  EXPECT_THROW(read_file(folder_ / "missing" / "file"), FileAbsent);
  EXPECT_THROW(folder_entries(folder_ / "missing"), FileAbsent);
  EXPECT_FALSE(name_exists(folder_ / "missing"));
  // A circle of links: the system cannot tell what is there, not even to root.
  std::filesystem::create_symlink("b", folder_ / "a");
  std::filesystem::create_symlink("a", folder_ / "b");
  EXPECT_THROW(read_file(folder_ / "a"), FileUnreadable);
  EXPECT_THROW(name_exists(folder_ / "a" / "file"), FileUnreadable);
  EXPECT_THROW(folder_entries(folder_ / "a"), FileUnreadable);
  EXPECT_TRUE(name_exists(folder_ / "a"));
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

TEST_F(Files, ALockHoldsThoughItsFileIsRemovedOrReplaced) {
  const std::filesystem::path path = folder_ / "lock";
  const FileLock lock(path);
  EXPECT_NO_THROW(lock.check_held());
  std::filesystem::remove(path);
  EXPECT_NE(message_of([&] { FileLock second(path); }).find("in use by another process"),
            std::string::npos);
  EXPECT_NE(message_of([&] { lock.check_held(); }).find("was removed or replaced"),
            std::string::npos);
  std::ofstream(path) << "1";
  EXPECT_NE(message_of([&] { lock.check_held(); }).find("was removed or replaced"),
            std::string::npos);
}

TEST_F(Files, ALockSaysWhenItsFolderIsGone) {
  const std::filesystem::path folder = folder_ / "folder";
  std::filesystem::create_directory(folder);
  const FileLock lock(folder / "lock");
  std::filesystem::rename(folder, folder_ / "elsewhere");
  std::filesystem::create_directory(folder);
  EXPECT_NE(message_of([&] { lock.check_held(); }).find("the folder was removed or replaced"),
            std::string::npos);
}

TEST_F(Files, ALockIsNotWrittenThroughALinkNorIntoAnothersFile) {
  std::ofstream(folder_ / "text") << "precious";
  std::filesystem::create_symlink("text", folder_ / "link");
  EXPECT_NE(message_of([&] { FileLock lock(folder_ / "link"); }).find("is a symbolic link"),
            std::string::npos);
  EXPECT_NE(message_of([&] { FileLock lock(folder_ / "text"); }).find("is not a lock file"),
            std::string::npos);
  EXPECT_EQ(read_file(folder_ / "text"), "precious");
}

TEST_F(Files, ALargeFileThatIsWrittenOverWhileMappedIsNoticed) {
  const std::filesystem::path path = folder_ / "file";
  write_file_atomically(path, std::string(kLargestReadFile + 1, 'a'));
  const MappedFile mapped(path);
  EXPECT_NO_THROW(mapped.check_unchanged());
  EXPECT_EQ(file_at_address(mapped.bytes().data() + kLargestReadFile), path.string());
  EXPECT_EQ(file_at_address(&path), nullptr);
  ::usleep(20000);  // the disk's clock ticks in steps
  std::fstream(path, std::ios::in | std::ios::out) << "b";
  EXPECT_NE(message_of([&] { mapped.check_unchanged(); }).find("was written over while it was"),
            std::string::npos);
  std::filesystem::resize_file(path, 100);
  EXPECT_NE(message_of([&] { mapped.check_unchanged(); }).find("became shorter (100 bytes of"),
            std::string::npos);
}

TEST_F(Files, AMapOfAFileThatIsReplacedKeepsTheOldOne) {
  const std::filesystem::path path = folder_ / "file";
  write_file_atomically(path, std::string(kLargestReadFile + 1, 'a'));
  const MappedFile mapped(path);
  write_file_atomically(path, "b");
  EXPECT_NO_THROW(mapped.check_unchanged());
  EXPECT_EQ(mapped.bytes().back(), 'a');
}

TEST_F(Files, ASmallFileIsReadSoThatWhatHappensToItLaterDoesNotMatter) {
  const std::filesystem::path path = folder_ / "file";
  write_file_atomically(path, "small");
  const MappedFile mapped(path);
  std::filesystem::resize_file(path, 0);
  EXPECT_NO_THROW(mapped.check_unchanged());
  EXPECT_EQ(mapped.bytes(), "small");
}

}  // namespace
}  // namespace brt
