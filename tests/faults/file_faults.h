// SPDX-License-Identifier: Apache-2.0
// File-system calls of this process that fail, end it, or are undone as by a power cut, on demand.
//
// The definitions of open, write, rename and so on in file_faults.cpp stand before those of the C
// library. They count the calls that concern files below one folder; everything else passes.
#pragma once

#include <cstdint>
#include <string>

namespace brt {

enum class FaultKind {
  kNone,       ///< calls are only listed
  kKill,       ///< the process ends before the call, by SIGKILL; of a write, half is done
  kPowerCut,   ///< the same, and what was not flushed is undone: bytes of files, names in folders
  kError,      ///< the call fails with `error`
  kShort,      ///< a read or write does half of what it was asked
  kInterrupt,  ///< the call fails with EINTR, and works when it is made again
};

struct FaultPlan {
  std::string root;  ///< calls below this folder are meant; an absolute path without links
  FaultKind kind = FaultKind::kNone;
  int64_t at = 0;  ///< number of the call, from 1; 0: every call (kShort, kInterrupt)
  int error = 0;
  bool has_unnamed_files = true;  ///< false: O_TMPFILE is refused, as by many file systems
  std::string graveyard = {};     ///< kPowerCut: a folder of the same disk, outside of `root`
  int list = -1;  ///< descriptor that gets a line "NAME PATH" for each call; see file_faults.cpp
};

/// From now on in this process.
void start_file_faults(const FaultPlan& plan);

/// At the end of what is tried: with kPowerCut, the power is cut now at the latest.
void end_file_faults();

}  // namespace brt
