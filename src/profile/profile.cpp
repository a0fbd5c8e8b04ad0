// SPDX-License-Identifier: Apache-2.0
// Callbacks of LibTorch's RecordFunction, and what is made of what they saw.
#include "profile/profile.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ATen/record_function.h>

#include "base/error.h"

namespace brt {
namespace {

/// Rows of the table that have a line of their own.
constexpr size_t kTableRows = 30;
constexpr const char* kStepName = "step";
constexpr std::array<const char*, 4> kComputePhases = {"forward", "backward", "gradient norm",
                                                       "update"};

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double to_ms(int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-6; }

/// What the callbacks share: they are plain functions and cannot carry anything themselves.
struct Recorder {
  std::mutex mutex;
  bool is_active = false;
  int64_t step = 0;
  std::vector<ProfileEvent> events;
};

Recorder& recorder() {
  static Recorder one;
  return one;
}

/// Kept by LibTorch between begin and end of one call.
struct BeginTime : at::ObserverContext {
  explicit BeginTime(int64_t nanoseconds) : ns(nanoseconds) {}
  int64_t ns;
};

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction&) {
  return std::make_unique<BeginTime>(now_ns());
}

void on_end(const at::RecordFunction& call, at::ObserverContext* context) {
  const int64_t end_ns = now_ns();
  const BeginTime* begin = static_cast<const BeginTime*>(context);
  Recorder& shared = recorder();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (shared.is_active && begin != nullptr) {
    shared.events.push_back({.name = call.name(),
                             .step = shared.step,
                             .thread = static_cast<int64_t>(call.threadId()),
                             .begin_ns = begin->ns,
                             .end_ns = end_ns});
  }
}

/// Parents before what is inside them.
void sort_by_thread_and_time(std::vector<ProfileEvent>& events) {
  std::ranges::stable_sort(events, [](const ProfileEvent& a, const ProfileEvent& b) {
    if (a.thread != b.thread) {
      return a.thread < b.thread;
    }
    return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.end_ns > b.end_ns;
  });
}

/// The sums behind a row, in nanoseconds.
struct Sums {
  int64_t calls = 0;
  int64_t total = 0;
  int64_t self = 0;
};

}  // namespace

std::vector<ProfileRow> summarize_profile(std::vector<ProfileEvent> events) {
  sort_by_thread_and_time(events);
  std::map<std::string, Sums> sums;
  std::vector<const ProfileEvent*> open;  // the events around the present one, outermost first
  int64_t self_of_all = 0;
  for (const ProfileEvent& event : events) {
    while (!open.empty() &&
           (open.back()->thread != event.thread || open.back()->end_ns <= event.begin_ns)) {
      open.pop_back();
    }
    const int64_t duration = event.end_ns - event.begin_ns;
    const bool is_inside_itself = std::ranges::any_of(
        open, [&event](const ProfileEvent* outer) { return outer->name == event.name; });
    Sums& own = sums[event.name];
    ++own.calls;
    own.total += is_inside_itself ? 0 : duration;
    own.self += duration;
    self_of_all += duration;
    if (!open.empty()) {
      sums[open.back()->name].self -= duration;
      self_of_all -= duration;
    }
    open.push_back(&event);
  }
  std::vector<ProfileRow> rows;
  for (const auto& [name, sum] : sums) {
    const double all = static_cast<double>(std::max<int64_t>(self_of_all, 1));
    rows.push_back({.name = name,
                    .calls = sum.calls,
                    .total_ms = to_ms(sum.total),
                    .self_ms = to_ms(sum.self),
                    .share = static_cast<double>(sum.self) / all});
  }
  std::ranges::stable_sort(rows, std::ranges::greater(), &ProfileRow::self_ms);
  return rows;
}

double share_outside_compute(const std::vector<ProfileRow>& rows) {
  double steps_ms = 0.0;
  double compute_ms = 0.0;
  for (const ProfileRow& row : rows) {
    if (row.name == kStepName) {
      steps_ms += row.total_ms;
    } else if (std::ranges::find(kComputePhases, row.name) != kComputePhases.end()) {
      compute_ms += row.total_ms;
    }
  }
  return steps_ms > 0.0 ? (steps_ms - compute_ms) / steps_ms : 0.0;
}

std::string profile_to_table(const std::vector<ProfileRow>& rows) {
  constexpr const char* kLine = "{:<44} {:>8} {:>11.2f} {:>11.2f} {:>6.1f} %\n";
  std::string table = fmt::format("{:<44} {:>8} {:>11} {:>11} {:>8}\n", "operation", "calls",
                                  "total ms", "self ms", "share");
  ProfileRow others;
  ProfileRow all;
  for (size_t i = 0; i < rows.size(); ++i) {
    const ProfileRow& row = rows[i];
    if (i < kTableRows) {
      table +=
          fmt::format(kLine, row.name, row.calls, row.total_ms, row.self_ms, 100.0 * row.share);
    } else {
      others.calls += row.calls;
      others.self_ms += row.self_ms;
      others.share += row.share;
    }
    all.calls += row.calls;
    all.self_ms += row.self_ms;
    all.share += row.share;
  }
  // Total times of different operations lie inside each other: their sum means nothing.
  constexpr const char* kSumLine = "{:<44} {:>8} {:>11} {:>11.2f} {:>6.1f} %\n";
  if (rows.size() > kTableRows) {
    table += fmt::format(kSumLine, fmt::format("{} others", rows.size() - kTableRows), others.calls,
                         "", others.self_ms, 100.0 * others.share);
  }
  table += fmt::format(kSumLine, "all", all.calls, "", all.self_ms, 100.0 * all.share);
  if (std::ranges::find(rows, kStepName, &ProfileRow::name) != rows.end()) {
    table += fmt::format("outside forward, backward and update: {:.2f} % of the steps' time\n",
                         100.0 * share_outside_compute(rows));
  }
  return table;
}

std::string profile_to_trace(const std::vector<ProfileEvent>& events) {
  int64_t begin_ns = events.empty() ? 0 : events.front().begin_ns;
  for (const ProfileEvent& event : events) {
    begin_ns = std::min(begin_ns, event.begin_ns);
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ProfileEvent& event : events) {
    list.push_back({{"name", event.name},
                    {"ph", "X"},  // a complete event: with a duration
                    {"ts", static_cast<double>(event.begin_ns - begin_ns) * 1e-3},
                    {"dur", static_cast<double>(event.end_ns - event.begin_ns) * 1e-3},
                    {"pid", 1},
                    {"tid", event.thread},
                    {"args", {{"step", event.step}}}});
  }
  list.push_back(
      {{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", "brt train"}}}});
  const nlohmann::ordered_json trace = {{"displayTimeUnit", "ms"},
                                        {"traceEvents", std::move(list)}};
  return trace.dump();
}

struct ProfilePhase::Scope {
  at::RecordFunction call{at::RecordScope::USER_SCOPE};
};

ProfilePhase::ProfilePhase(const char* name) : scope_(std::make_unique<Scope>()) {
  if (scope_->call.isActive()) {
    scope_->call.before(name);
  }
}

ProfilePhase::~ProfilePhase() = default;

void ProfilePhase::end() { scope_.reset(); }

struct StepProfiler::Recording {
  std::vector<ProfileEvent> events;  ///< of the steps before
  std::optional<at::CallbackHandle> callback;
  int64_t begin_ns = 0;
};

StepProfiler::StepProfiler() : recording_(std::make_unique<Recording>()) {}

StepProfiler::~StepProfiler() { end_step(); }

void StepProfiler::begin_step(int64_t step) {
  Recorder& shared = recorder();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (shared.is_active) {
    throw Error(fmt::format("profile: step {} is being recorded already", shared.step));
  }
  shared.is_active = true;
  shared.step = step;
  recording_->callback = at::addGlobalCallback(
      at::RecordFunctionCallback(&on_begin, &on_end)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION,
                   at::RecordScope::USER_SCOPE}));
  recording_->begin_ns = now_ns();
}

void StepProfiler::end_step() {
  if (!recording_->callback) {
    return;
  }
  const int64_t end_ns = now_ns();
  at::removeCallback(*recording_->callback);
  recording_->callback.reset();
  Recorder& shared = recorder();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  shared.events.push_back({.name = kStepName,
                           .step = shared.step,
                           .thread = static_cast<int64_t>(at::RecordFunction::currentThreadId()),
                           .begin_ns = recording_->begin_ns,
                           .end_ns = end_ns});
  recording_->events.insert(recording_->events.end(), shared.events.begin(), shared.events.end());
  shared.events.clear();
  shared.is_active = false;
  ++steps_;
}

std::vector<ProfileEvent> StepProfiler::events() const { return recording_->events; }

}  // namespace brt
