// SPDX-License-Identifier: Apache-2.0
// Units of many updates, stage by stage.
#include "engine/pending_updates.h"

#include <algorithm>

namespace brt {

template <class T>
PendingUpdates<T>::PendingUpdates(const PackedModel& model,
                                  const StreamLayout& layout,
                                  ThreadTeam& team,
                                  int64_t max_streams)
    : team_(team), pending_(static_cast<size_t>(team.most())) {
  for (const int64_t layer : model.config().recurrent_layers) {
    updates_.emplace_back(model, layout, layer);
    schedules_.emplace_back(updates_.back().units(), model.config().window);
  }
  for (std::vector<Pending>& own : pending_) {
    own.reserve(static_cast<size_t>(max_streams) * updates_.size());
  }
}

template <class T>
int64_t PendingUpdates<T>::scratch_bytes() const {
  int64_t bytes = 0;
  for (const StateUpdate<T>& update : updates_) {
    bytes = std::max(bytes, update.scratch_bytes());
  }
  return bytes;
}

template <class T>
void PendingUpdates<T>::run_before_tokens(std::span<const StepStream> streams,
                                          int64_t thread,
                                          std::byte* scratch) {
  std::vector<Pending>& own = pending_[static_cast<size_t>(thread)];
  own.clear();
  for (size_t stream = 0; stream < streams.size(); ++stream) {
    StreamState* state = streams[stream].state;
    for (size_t update = 0; update < updates_.size(); ++update) {
      const int64_t done = StateAccess::units_done(*state, updates_[update].layer());
      own.push_back({state, stream, update, done, updates_[update].units().before_tokens()});
    }
  }
  run_to_targets(thread, scratch);
}

template <class T>
void PendingUpdates<T>::run_after_tokens(std::span<const StepStream> streams,
                                         int64_t thread,
                                         std::byte* scratch) {
  for (Pending& entry : pending_[static_cast<size_t>(thread)]) {
    const StepStream& stream = streams[entry.stream];
    entry.target = schedules_[entry.update].units_due(stream.position + stream.rows, team_.size());
  }
  run_to_targets(thread, scratch);
}

template <class T>
void PendingUpdates<T>::run_to_targets(int64_t thread, std::byte* scratch) {
  std::vector<Pending>& pending = pending_[static_cast<size_t>(thread)];
  while (true) {
    int64_t count = 0;
    for (const Pending& entry : pending) {
      count += end_of_pass(entry) - entry.done;
    }
    if (count == 0) {
      return;
    }
    const Range part = team_.part(count, thread);
    int64_t index = 0;
    for (Pending& entry : pending) {
      const int64_t end = end_of_pass(entry);
      for (; entry.done < end; ++entry.done, ++index) {
        if (part.begin <= index && index < part.end) {
          updates_[entry.update].run(entry.done, *entry.state, scratch);
        }
      }
    }
    team_.barrier(thread);
  }
}

/// As far as the current stage goes, and no further than the target.
template <class T>
int64_t PendingUpdates<T>::end_of_pass(const Pending& entry) const {
  return entry.done >= entry.target
             ? entry.done
             : std::min(updates_[entry.update].units().stage_end(entry.done), entry.target);
}

template <class T>
void PendingUpdates<T>::end_step() {
  for (const Pending& entry : pending_[0]) {
    const StateUpdate<T>& update = updates_[entry.update];
    const bool block_ends = entry.done == update.units().count();
    StateAccess::units_done(*entry.state, update.layer()) = block_ends ? 0 : entry.done;
  }
}

template class PendingUpdates<float>;
template class PendingUpdates<kernels::Bfloat16>;

}  // namespace brt
