// SPDX-License-Identifier: Apache-2.0
// Where the time of a few training steps goes: every operation of LibTorch with its begin and end,
// as a time line and summed up by name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace brt {

/// One call of an operation. Calls of one thread lie beside or inside each other.
struct ProfileEvent {
  std::string name;    ///< "aten::mm", the backward node's name, or a phase: "step", "forward", ...
  int64_t step = 0;    ///< the training step it belongs to
  int64_t thread = 0;  ///< LibTorch's number of the thread, from 1
  int64_t begin_ns = 0;  ///< of a steady clock
  int64_t end_ns = 0;
};

/// All calls of one name.
struct ProfileRow {
  std::string name;
  int64_t calls = 0;
  double total_ms = 0.0;  ///< operations inside included; inside itself a name counts once
  double self_ms = 0.0;   ///< without the operations inside
  double share = 0.0;     ///< of self_ms in that of all rows, which is all time measured
};

/// Rows by falling self_ms.
std::vector<ProfileRow> summarize_profile(std::vector<ProfileEvent> events);

/// The part of the steps' time that lies in none of the phases "forward", "backward", "gradient
/// norm" and "update": loading, bookkeeping, what goes to the next segment. 0 without steps.
double share_outside_compute(const std::vector<ProfileRow>& rows);

/// A table: the rows with most time, the rest in one line, and the sums; of steps also
/// share_outside_compute.
std::string profile_to_table(const std::vector<ProfileRow>& rows);

/// Chrome's trace format: one JSON object, which chrome://tracing and ui.perfetto.dev open.
/// Times count from the first event.
std::string profile_to_trace(const std::vector<ProfileEvent>& events);

/// A part of a step that is to be seen as such in a profile, until end() or destruction. Costs
/// next to nothing while none is taken.
class ProfilePhase {
 public:
  explicit ProfilePhase(const char* name);
  ~ProfilePhase();
  ProfilePhase(const ProfilePhase&) = delete;
  ProfilePhase& operator=(const ProfilePhase&) = delete;
  void end();

 private:
  struct Scope;
  std::unique_ptr<Scope> scope_;
};

/// Records the operations of every thread while a step runs. Each call costs some 0.2 us more then;
/// work without LibTorch operations is seen as time of the operation or phase around it.
class StepProfiler {
 public:
  StepProfiler();
  ~StepProfiler();
  StepProfiler(const StepProfiler&) = delete;
  StepProfiler& operator=(const StepProfiler&) = delete;

  /// From here to end_step() is one event "step". @throws Error if a step is being recorded
  /// already, by this or another profiler of the process.
  void begin_step(int64_t step);
  /// No operation may be running on any thread. Without begin_step() it does nothing.
  void end_step();

  int64_t steps() const { return steps_; }  ///< recorded whole
  std::vector<ProfileEvent> events() const;

 private:
  struct Recording;
  std::unique_ptr<Recording> recording_;
  int64_t steps_ = 0;
};

}  // namespace brt
