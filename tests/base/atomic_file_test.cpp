// SPDX-License-Identifier: Apache-2.0
// What lies at an output's path decides how it is written, and what stays of it.
#include "base/atomic_file.h"

#include <filesystem>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/output_check.h"
#include "base/temporaries.h"
#include "checkpoint/scratch_folder.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat status = {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode;
}

size_t entries(const fs::path& folder) { return folder_entries(folder).size(); }

TEST(AtomicFile, ALinkStaysAndItsTargetIsReplaced) {
  const ScratchFolder scratch;
  fs::create_directory(scratch / "deep");
  put_bytes(scratch / "deep/real", "old");
  fs::create_symlink("deep/second", scratch / "first");
  fs::create_symlink("real", scratch / "deep/second");
  check_output_file(scratch / "first");
  write_file_atomically(scratch / "first", "new");
  EXPECT_TRUE(fs::is_symlink(scratch / "first"));
  EXPECT_TRUE(fs::is_symlink(scratch / "deep/second"));
  EXPECT_EQ(get_bytes(scratch / "deep/real"), "new");
  EXPECT_EQ(entries(scratch / "deep"), 2U);
}

TEST(AtomicFile, TheTargetOfALinkThatLeadsNowhereIsMade) {
  const ScratchFolder scratch;
  fs::create_symlink("real", scratch / "link");
  check_output_file(scratch / "link");
  write_file_atomically(scratch / "link", "new");
  EXPECT_TRUE(fs::is_symlink(scratch / "link"));
  EXPECT_EQ(get_bytes(scratch / "real"), "new");
}

TEST(AtomicFile, ACircleOfLinksIsRefused) {
  const ScratchFolder scratch;
  fs::create_symlink("b", scratch / "a");
  fs::create_symlink("a", scratch / "b");
  EXPECT_TRUE(says(thrown_message<Error>([&] { check_output_file(scratch / "a"); }),
                   "Too many levels of symbolic links"));
}

TEST(AtomicFile, AFifoIsWrittenThrough) {
  const ScratchFolder scratch;
  const fs::path path = scratch / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  check_output_file(path);
  std::string read;
  std::thread reader([&] { read = get_bytes(path); });
  write_file_atomically(path, "through");
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(S_ISFIFO(mode_of(path)));
}

TEST(AtomicFile, ADeviceIsWrittenThrough) {
  const ScratchFolder scratch;
  const fs::path path = scratch / "null";
  if (::mknod(path.c_str(), S_IFCHR | 0666, ::makedev(1, 3)) != 0) {
    GTEST_SKIP() << "only root may make a device";
  }
  check_output_file(path);
  try {
    write_file_atomically(path, "into nothing");
  } catch (const Error& error) {
    EXPECT_TRUE(says(error.what(), "Permission denied"));  // a file system without devices
  }
  EXPECT_TRUE(S_ISCHR(mode_of(path)));
}

TEST(AtomicFile, WhatTheProcessHasOpenAsItsOutputIsAppendedTo) {
  const ScratchFolder scratch;
  put_bytes(scratch / "log", "before ");
  const int saved = ::dup(STDOUT_FILENO);
  const int log = ::open((scratch / "log").c_str(), O_WRONLY | O_APPEND);
  ::dup2(log, STDOUT_FILENO);
  std::string failure;
  try {
    check_output_file("/dev/stdout");
    write_file_atomically("/dev/stdout", "after");
  } catch (const Error& error) {
    failure = error.what();
  }
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  ::close(log);
  EXPECT_EQ(failure, "");
  EXPECT_EQ(get_bytes(scratch / "log"), "before after");
}

TEST(AtomicFile, ModesFollowTheUmaskThePurposeAndTheFileThatIsReplaced) {
  const ScratchFolder scratch;
  const mode_t before = ::umask(027);
  write_file_atomically(scratch / "public", "x");
  write_file_atomically(scratch / "private", "x", NewFileMode::kPrivate);
  ::umask(before);
  EXPECT_EQ(mode_of(scratch / "public") & 07777, 0640U);
  EXPECT_EQ(mode_of(scratch / "private") & 07777, 0600U);
  ::chmod((scratch / "public").c_str(), 0604);
  ::chmod((scratch / "private").c_str(), 0664);
  write_file_atomically(scratch / "public", "y");
  write_file_atomically(scratch / "private", "y", NewFileMode::kPrivate);
  EXPECT_EQ(mode_of(scratch / "public") & 07777, 0604U);
  EXPECT_EQ(mode_of(scratch / "private") & 07777, 0664U);
}

TEST(AtomicFile, TheOwnerOfAReplacedFileIsKept) {
  const ScratchFolder scratch;
  put_bytes(scratch / "file", "x");
  if (::chown((scratch / "file").c_str(), 1234, 4321) != 0) {
    GTEST_SKIP() << "only root may give files away";
  }
  write_file_atomically(scratch / "file", "y");
  struct stat status = {};
  ASSERT_EQ(::stat((scratch / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234U);
  EXPECT_EQ(status.st_gid, 4321U);
}

TEST(AtomicFile, AWriteProtectedFileIsRefusedBeforeTheWork) {
  const ScratchFolder scratch;
  put_bytes(scratch / "file", "precious");
  ::chmod((scratch / "file").c_str(), 0444);
  for (const auto& write : {+[](const fs::path& path) { check_output_file(path); },
                            +[](const fs::path& path) { write_file_atomically(path, "x"); }}) {
    EXPECT_TRUE(says(thrown_message<Error>([&] { write(scratch / "file"); }),
                     "write-protected (mode 0444)\nhint: "));
  }
  EXPECT_EQ(get_bytes(scratch / "file"), "precious");
}

TEST(AtomicFile, NamesUpToTheLimitAreWrittenAndLongerOnesRefusedBeforeTheWork) {
  const ScratchFolder scratch;
  const std::string longest(longest_name(scratch.path()), 'x');
  check_output_file(scratch / longest);
  write_file_atomically(scratch / longest, "first");
  write_file_atomically(scratch / longest, "second");  // through a temporary name
  EXPECT_EQ(get_bytes(scratch / longest), "second");
  EXPECT_TRUE(says(thrown_message<Error>([&] { check_output_file(scratch / (longest + "x")); }),
                   "the name has 256 bytes, 255 are possible\nhint: give a shorter name"));
  EXPECT_EQ(entries(scratch.path()), 1U);
}

TEST(AtomicFile, KnowsTheChecksumOfWhatItWasGiven) {
  const ScratchFolder scratch;
  const std::string bytes(size_t{3} << 20, 'x');
  AtomicFile file(scratch / "file");
  file.write(bytes.substr(0, 10));
  file.write(bytes.substr(10));  // larger than the buffer
  EXPECT_EQ(file.checksum(), hash_bytes(bytes));
  file.commit();
  EXPECT_TRUE(get_bytes(scratch / "file") == bytes);
  EXPECT_EQ(hash_file(scratch / "file"), file.checksum());
}

TEST(Temporaries, NamesAreHiddenShortAndNeverTheSame) {
  const std::string name = temporary_name("state");
  EXPECT_TRUE(name.starts_with(".state.brt-partial-")) << name;
  EXPECT_TRUE(is_temporary_name(name));
  EXPECT_TRUE(is_temporary_name(name, "state", 255));
  EXPECT_FALSE(is_temporary_name(name, "stat", 255));
  EXPECT_NE(name, temporary_name("state"));
  const std::string greek = "\xCE\xB1\xCE\xB1\xCE\xB1\xCE\xB1";
  for (const size_t limit : {32U, 33U, 34U, 255U}) {
    const std::string cut = temporary_name(greek, limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_TRUE(is_temporary_name(cut, greek, limit));
  }
  for (const char* other : {"state", ".state", "state.partial-1", ".brt-partial-0123",
                            "x.brt-partial-0123456789abcdef", ".x.brt-partial-0123456789abcdeg"}) {
    EXPECT_FALSE(is_temporary_name(other)) << other;
  }
}

TEST(Temporaries, OfTheDeadAreRemovedAndNoOthers) {
  const ScratchFolder scratch;
  put_bytes(scratch / temporary_name("file"), "dead");
  put_bytes(scratch / temporary_name("other"), "dead");
  put_bytes(scratch / "file.partial-1", "another program's");
  fs::create_directory(scratch / temporary_name("file"));
  const fs::path living = scratch / temporary_name("file");
  put_bytes(living, "in use");
  const Descriptor held(::open(living.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(hold_temporary(held.get()));
  remove_dead_temporaries_of(scratch / "file");
  EXPECT_EQ(entries(scratch.path()), 4U);
  remove_dead_temporaries(scratch.path());
  EXPECT_EQ(entries(scratch.path()), 3U);
  EXPECT_EQ(get_bytes(living), "in use");
}

TEST(Temporaries, ALinkThatIsNamedLikeOneIsNotFollowed) {
  const ScratchFolder scratch;
  put_bytes(scratch / "victim", "precious");
  fs::create_symlink("victim", scratch / temporary_name("file"));
  remove_dead_temporaries(scratch.path());
  EXPECT_EQ(get_bytes(scratch / "victim"), "precious");
}

}  // namespace
}  // namespace brt
