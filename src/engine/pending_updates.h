// SPDX-License-Identifier: Apache-2.0
// The updates of all recurrent layers of all streams of a step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/state_update.h"
#include "engine/step.h"
#include "engine/thread_team.h"
#include "engine/update_schedule.h"

namespace brt {

/// Moves the updates on, as far as they are due: every thread calls the same functions, and takes
/// its part of each stage's units, of all streams together, with a barrier after it.
template <class T>
class PendingUpdates {
 public:
  /// @param max_streams  most streams of a step
  PendingUpdates(const PackedModel& model,
                 const StreamLayout& layout,
                 ThreadTeam& team,
                 int64_t max_streams);

  /// Of memory, aligned to 64 bytes, that a thread needs.
  int64_t scratch_bytes() const;

  /// What must be done before a block's tokens are read: Ks and Vs.
  void run_before_tokens(std::span<const StepStream> streams, int64_t thread, std::byte* scratch);
  /// What is due once the step's tokens are in the caches.
  void run_after_tokens(std::span<const StepStream> streams, int64_t thread, std::byte* scratch);
  /// Writes down how far the updates have come. Not to be called by several threads.
  void end_step();

 private:
  /// One recurrent layer of one stream.
  struct Pending {
    StreamState* state = nullptr;
    size_t stream = 0;  ///< index into the step's streams
    size_t update = 0;  ///< index into updates_
    int64_t done = 0;
    int64_t target = 0;
  };

  ThreadTeam& team_;
  std::vector<StateUpdate<T>> updates_;
  std::vector<UpdateSchedule> schedules_;      ///< of each of them
  std::vector<std::vector<Pending>> pending_;  ///< of each thread, all the same

  int64_t end_of_pass(const Pending& entry) const;
  void run_to_targets(int64_t thread, std::byte* scratch);
};

}  // namespace brt
