// SPDX-License-Identifier: Apache-2.0
// Scalars for TensorBoard: a file of framed, checksummed protobuf records, written by hand.
#include "train/tensorboard_log.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "train/crc32c.h"

namespace brt {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr uint32_t kEventWallTime = 1;
constexpr uint32_t kEventStep = 2;
constexpr uint32_t kEventFileVersion = 3;
constexpr uint32_t kEventSummary = 5;
constexpr uint32_t kEventSessionLog = 7;
constexpr uint32_t kSessionLogStatus = 1;
constexpr uint64_t kSessionStart = 1;
constexpr uint32_t kSummaryValue = 1;
constexpr uint32_t kValueTag = 1;
constexpr uint32_t kValueSimple = 2;

// Protobuf wire types.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
constexpr uint32_t kFixed32 = 5;

template <class T>
void append_little_endian(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out += static_cast<char>(static_cast<uint8_t>(value >> (8 * i)));
  }
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(static_cast<uint8_t>(value | 0x80));
  }
  out += static_cast<char>(static_cast<uint8_t>(value));
}

void append_key(std::string& out, uint32_t field, uint32_t wire_type) {
  append_varint(out, uint64_t{field} << 3 | wire_type);
}

void append_varint_field(std::string& out, uint32_t field, uint64_t value) {
  append_key(out, field, kVarint);
  append_varint(out, value);
}

void append_double(std::string& out, uint32_t field, double value) {
  append_key(out, field, kFixed64);
  append_little_endian(out, std::bit_cast<uint64_t>(value));
}

void append_float(std::string& out, uint32_t field, float value) {
  append_key(out, field, kFixed32);
  append_little_endian(out, std::bit_cast<uint32_t>(value));
}

void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_key(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

double wall_time() {
  const std::chrono::duration<double> since_epoch =
      std::chrono::system_clock::now().time_since_epoch();
  return since_epoch.count();
}

/// An Event with its time and step; the caller appends what it tells.
std::string begin_event(int64_t step) {
  std::string event;
  append_double(event, kEventWallTime, wall_time());
  append_varint_field(event, kEventStep, static_cast<uint64_t>(step));
  return event;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "host";
}

}  // namespace

TensorboardLog::TensorboardLog(const std::filesystem::path& folder, int64_t first_step) {
  const int64_t seconds = static_cast<int64_t>(wall_time());
  int descriptor = -1;
  for (int64_t number = 0; descriptor < 0; ++number) {
    path_ = folder / fmt::format("events.out.tfevents.{:010d}.{}.{}.{}", seconds, host_name(),
                                 ::getpid(), number);
    descriptor = retried(
        [&] { return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor < 0 && errno != EEXIST) {
      throw Error(fmt::format("{}: cannot be created: {}", path_.string(), std::strerror(errno)));
    }
  }
  file_.emplace(path_, descriptor);
  std::string version = begin_event(0);
  append_bytes(version, kEventFileVersion, "brain.Event:2");
  write_record(version);
  std::string session_log;
  append_varint_field(session_log, kSessionLogStatus, kSessionStart);
  std::string start = begin_event(first_step);
  append_bytes(start, kEventSessionLog, session_log);
  write_record(start);
}

void TensorboardLog::write(int64_t step, const std::vector<TensorboardScalar>& scalars) {
  std::string summary;
  for (const TensorboardScalar& scalar : scalars) {
    std::string value;
    append_bytes(value, kValueTag, scalar.tag);
    append_float(value, kValueSimple, static_cast<float>(scalar.value));
    append_bytes(summary, kSummaryValue, value);
  }
  std::string event = begin_event(step);
  append_bytes(event, kEventSummary, summary);
  write_record(event);
}

void TensorboardLog::write_record(const std::string& event) {
  std::string record;
  append_little_endian(record, uint64_t{event.size()});
  append_little_endian(record, masked_crc32c(record));
  record += event;
  append_little_endian(record, masked_crc32c(event));
  file_->append(record);
}

}  // namespace brt
