// SPDX-License-Identifier: Apache-2.0
// Operands made by all threads of a step.
#include "engine/step_operands.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "engine/random_floats.h"
#include "engine/rms_norm_rows.h"

namespace brt {
namespace {

constexpr int64_t kWidth = 19;
constexpr int64_t kMaxRows = 11;

/// The first `rows` rows of an operand.
std::vector<std::byte> bytes_of(const Operand& operand, int64_t rows) {
  std::vector<std::byte> bytes;
  const auto append = [&](const void* data, size_t size) {
    const std::byte* begin = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  };
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t skipped = row * operand.stride;
    if (operand.floats != nullptr) {
      append(operand.floats + skipped, kWidth * sizeof(float));
    } else if (operand.rounded != nullptr) {
      append(operand.rounded + skipped, kWidth * sizeof(kernels::Bfloat16));
    } else {
      append(operand.high + skipped, kWidth);
      append(operand.low + skipped, kWidth);
      append(operand.scale + row, sizeof(float));
    }
  }
  return bytes;
}

/// What every thread of a team gets.
template <class Make>
std::vector<std::vector<std::byte>> made_by(WeightFormat format,
                                            int64_t threads,
                                            const Make& make) {
  ThreadTeam team(threads, [threads] { return threads; });
  StepOperands operands(format, team, kMaxRows, kWidth, kWidth);
  std::vector<std::vector<std::byte>> made(static_cast<size_t>(threads));
  team.run([&](int64_t thread) { made[static_cast<size_t>(thread)] = make(operands, thread); });
  return made;
}

class StepOperandsOf : public testing::TestWithParam<WeightFormat> {};

TEST_P(StepOperandsOf, EveryThreadGetsTheRowsWhateverTheirNumber) {
  const std::vector<float> x = random_floats(kMaxRows * kWidth, 1);
  for (const int64_t rows : {int64_t{1}, kPrivateRows, kPrivateRows + 1, kMaxRows}) {
    const OperandFormat alone(GetParam(), kMaxRows, kWidth);
    AlignedBuffer memory(alone.bytes());
    alone.make({x.data(), kWidth, rows}, kWidth, 0, memory.data());
    const std::vector<std::byte> wanted = bytes_of(alone.view(kWidth, memory.data()), rows);
    for (const int64_t threads : {1, 2, 3}) {
      const auto made = made_by(GetParam(), threads, [&](StepOperands& operands, int64_t thread) {
        return bytes_of(operands.plain(x.data(), rows, kWidth, thread), rows);
      });
      for (const std::vector<std::byte>& own : made) {
        EXPECT_TRUE(own == wanted) << rows << " rows, " << threads << " threads";
      }
    }
  }
}

TEST_P(StepOperandsOf, NormedRowsAreNormsAsOperands) {
  const std::vector<float> x = random_floats(kMaxRows * kWidth, 2);
  const std::vector<float> gain = random_floats(kWidth, 3);
  std::vector<float> normed(x.size());
  std::vector<float> root(kMaxRows);
  rms_norm_rows(x, gain, normed.data(), root.data());
  for (const int64_t rows : {int64_t{2}, kMaxRows}) {
    const OperandFormat alone(GetParam(), kMaxRows, kWidth);
    AlignedBuffer memory(alone.bytes());
    alone.make({normed.data(), kWidth, rows}, kWidth, 0, memory.data());
    const std::vector<std::byte> wanted = bytes_of(alone.view(kWidth, memory.data()), rows);
    for (const int64_t threads : {1, 3}) {
      const auto made = made_by(GetParam(), threads, [&](StepOperands& operands, int64_t thread) {
        return bytes_of(operands.normed(x.data(), rows, gain, thread), rows);
      });
      for (const std::vector<std::byte>& own : made) {
        EXPECT_TRUE(own == wanted) << rows << " rows, " << threads << " threads";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         StepOperandsOf,
                         testing::Values(WeightFormat::kFloat32,
                                         WeightFormat::kBfloat16,
                                         WeightFormat::kInt8),
                         [](const testing::TestParamInfo<WeightFormat>& format) {
                           return std::string(to_word(format.param));
                         });

}  // namespace
}  // namespace brt
