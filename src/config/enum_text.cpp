// SPDX-License-Identifier: Apache-2.0
// The list of words of every enum.
#include "config/enum_text.h"

#include <array>

namespace brt {
namespace {

template <class Enum>
using Word = std::pair<Enum, std::string_view>;

constexpr std::array<Word<GateType>, 2> kGateWords = {{
    {GateType::kFixed, "fixed"},
    {GateType::kLstm, "lstm"},
}};

constexpr std::array<Word<CellType>, 3> kCellWords = {{
    {CellType::kDual, "dual"},
    {CellType::kSingle, "single"},
    {CellType::kSkip, "skip"},
}};

constexpr std::array<Word<PositionType>, 3> kPositionWords = {{
    {PositionType::kT5, "t5"},
    {PositionType::kNone, "none"},
    {PositionType::kRotary, "rotary"},
}};

constexpr std::array<Word<DType>, 3> kDTypeWords = {{
    {DType::kFp32, "fp32"},
    {DType::kBf16, "bf16"},
    {DType::kAuto, "auto"},
}};

constexpr std::array<Word<OptimizerType>, 3> kOptimizerWords = {{
    {OptimizerType::kAdafactor, "adafactor"},
    {OptimizerType::kAdamw, "adamw"},
    {OptimizerType::kMuon, "muon"},
}};

constexpr std::array<Word<ScheduleType>, 4> kScheduleWords = {{
    {ScheduleType::kRsqrt, "rsqrt"},
    {ScheduleType::kCosine, "cosine"},
    {ScheduleType::kReferenceCosine, "reference_cosine"},
    {ScheduleType::kConstant, "constant"},
}};

}  // namespace

template <>
std::span<const std::pair<GateType, std::string_view>> enum_words<GateType>() {
  return kGateWords;
}

template <>
std::span<const std::pair<CellType, std::string_view>> enum_words<CellType>() {
  return kCellWords;
}

template <>
std::span<const std::pair<PositionType, std::string_view>> enum_words<PositionType>() {
  return kPositionWords;
}

template <>
std::span<const std::pair<DType, std::string_view>> enum_words<DType>() {
  return kDTypeWords;
}

template <>
std::span<const std::pair<OptimizerType, std::string_view>> enum_words<OptimizerType>() {
  return kOptimizerWords;
}

template <>
std::span<const std::pair<ScheduleType, std::string_view>> enum_words<ScheduleType>() {
  return kScheduleWords;
}

}  // namespace brt
