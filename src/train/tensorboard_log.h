// SPDX-License-Identifier: Apache-2.0
// Scalars for TensorBoard: a file of framed, checksummed protobuf records, written by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/record_file.h"

namespace brt {

struct TensorboardScalar {
  std::string tag;
  double value = 0.0;  ///< written as float32
};

/// Writes a new events.out.tfevents.* into a folder.
///
/// A record is: length (uint64), masked crc32c of it, an Event message, masked crc32c of that; all
/// little-endian. The first event says "brain.Event:2"; the second starts a session at
/// `first_step`, which makes TensorBoard drop what earlier files of the folder say of that step and
/// later ones.
class TensorboardLog {
 public:
  /// @throws Error with the system's reason.
  TensorboardLog(const std::filesystem::path& folder, int64_t first_step);

  /// What cannot be written waits (see RecordFile).
  void write(int64_t step, const std::vector<TensorboardScalar>& scalars);
  void flush() { file_->flush(); }
  /// Why something waits; empty if nothing does.
  const std::string& problem() const { return file_->problem(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<RecordFile> file_;

  void write_record(const std::string& event);
};

}  // namespace brt
