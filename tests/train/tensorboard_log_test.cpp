// SPDX-License-Identifier: Apache-2.0
// Event files read back by an independent reader of the record frame and the protobuf fields.
#include "train/tensorboard_log.h"

#include <cstring>
#include <stdexcept>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "checkpoint/scratch_folder.h"
#include "train/crc32c.h"

namespace brt {
namespace {

template <class T>
T take(std::string_view& bytes) {
  T value;
  if (bytes.size() < sizeof(T)) {
    throw std::runtime_error("record is cut off");
  }
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

std::string_view take_bytes(std::string_view& bytes, size_t size) {
  const std::string_view taken = bytes.substr(0, size);
  if (taken.size() != size) {
    throw std::runtime_error("record is cut off");
  }
  bytes.remove_prefix(size);
  return taken;
}

/// Bit by bit, unlike the table of the code under test.
uint32_t slow_masked_crc(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
    }
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
}

std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  std::string_view rest = file;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const uint64_t length = take<uint64_t>(rest);
    EXPECT_EQ(take<uint32_t>(rest), slow_masked_crc(length_bytes));
    const std::string_view event = take_bytes(rest, length);
    EXPECT_EQ(take<uint32_t>(rest), slow_masked_crc(event));
    records.emplace_back(event);
  }
  return records;
}

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = take<uint8_t>(bytes);
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) {
      return value;
    }
  }
}

struct Field {
  uint64_t number = 0;
  std::variant<uint64_t, double, float, std::string> value;
};

std::vector<Field> fields_of(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    const uint64_t key = take_varint(message);
    switch (key & 7) {
      case 0:
        fields.push_back({key >> 3, take_varint(message)});
        break;
      case 1:
        fields.push_back({key >> 3, take<double>(message)});
        break;
      case 2:
        fields.push_back({key >> 3, std::string(take_bytes(message, take_varint(message)))});
        break;
      case 5:
        fields.push_back({key >> 3, take<float>(message)});
        break;
      default:
        throw std::runtime_error("unknown wire type");
    }
  }
  return fields;
}

TEST(Crc32c, EqualsTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
}

TEST(TensorboardLog, BeginsWithTheFileVersionAndTheSession) {
  const ScratchFolder folder;
  const TensorboardLog log(folder.path(), 41);
  EXPECT_TRUE(log.path().filename().string().starts_with("events.out.tfevents."));
  const std::vector<std::string> records = records_of(get_bytes(log.path()));
  ASSERT_EQ(records.size(), 2U);
  const std::vector<Field> version = fields_of(records[0]);
  ASSERT_EQ(version.size(), 3U);
  EXPECT_EQ(version[0].number, 1U);
  EXPECT_GT(std::get<double>(version[0].value), 1.6e9);  // seconds since 1970
  EXPECT_EQ(version[2].number, 3U);
  EXPECT_EQ(std::get<std::string>(version[2].value), "brain.Event:2");
  const std::vector<Field> session = fields_of(records[1]);
  EXPECT_EQ(std::get<uint64_t>(session.at(1).value), 41U);
  EXPECT_EQ(session.at(2).number, 7U);
}

TEST(TensorboardLog, ScalarsCanBeReadBack) {
  const ScratchFolder folder;
  TensorboardLog log(folder.path(), 1);
  log.write(300, {{.tag = "loss", .value = 2.5}, {.tag = "gates/a/mean", .value = -0.125}});
  const std::vector<std::string> records = records_of(get_bytes(log.path()));
  ASSERT_EQ(records.size(), 3U);
  const std::vector<Field> event = fields_of(records[2]);
  EXPECT_EQ(event.at(1).number, 2U);
  EXPECT_EQ(std::get<uint64_t>(event.at(1).value), 300U);
  EXPECT_EQ(event.at(2).number, 5U);
  const std::vector<Field> values = fields_of(std::get<std::string>(event.at(2).value));
  ASSERT_EQ(values.size(), 2U);
  const std::vector<Field> second = fields_of(std::get<std::string>(values[1].value));
  EXPECT_EQ(second.at(0).number, 1U);
  EXPECT_EQ(std::get<std::string>(second.at(0).value), "gates/a/mean");
  EXPECT_EQ(second.at(1).number, 2U);
  EXPECT_EQ(std::get<float>(second.at(1).value), -0.125f);
}

TEST(TensorboardLog, EverySessionHasAFileOfItsOwn) {
  const ScratchFolder folder;
  const TensorboardLog first(folder.path(), 1);
  const TensorboardLog second(folder.path(), 1);
  EXPECT_NE(first.path(), second.path());
}

}  // namespace
}  // namespace brt
