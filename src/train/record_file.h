// SPDX-License-Identifier: Apache-2.0
// A log that grows by whole records and outlives a full disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace brt {

/// Appends records to a file. One that cannot be written (disk full, quota) leaves no part of
/// itself behind: it waits in memory and goes before the next.
class RecordFile {
 public:
  /// @param descriptor  of the file, open for writing; the object closes it
  RecordFile(std::filesystem::path path, int descriptor);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  /// When it returns, the record is with the system or waits.
  void append(std::string_view record);
  /// Tries again to write what waits.
  void flush();
  /// Flushes to disk as well.
  void sync();

  /// Why something waits: "PATH: cannot be written: REASON". Empty if nothing does.
  const std::string& problem() const { return problem_; }

 private:
  std::filesystem::path path_;
  std::string waiting_;
  std::string problem_;
  int descriptor_ = -1;

  void note_problem(const char* what);
};

}  // namespace brt
