// SPDX-License-Identifier: Apache-2.0
// Scalars for TensorBoard: a file of framed, checksummed protobuf records, written by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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
  ~TensorboardLog();
  TensorboardLog(const TensorboardLog&) = delete;
  TensorboardLog& operator=(const TensorboardLog&) = delete;

  void write(int64_t step, const std::vector<TensorboardScalar>& scalars);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;

  void write_record(const std::string& event);
};

}  // namespace brt
