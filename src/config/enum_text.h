// SPDX-License-Identifier: Apache-2.0
// Enums as the words of the paper and the recipes: one list each, used to parse, print and check.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "config/run_config.h"

namespace brt {

template <class Enum>
std::span<const std::pair<Enum, std::string_view>> enum_words();
template <>
std::span<const std::pair<GateType, std::string_view>> enum_words<GateType>();
template <>
std::span<const std::pair<CellType, std::string_view>> enum_words<CellType>();
template <>
std::span<const std::pair<PositionType, std::string_view>> enum_words<PositionType>();
template <>
std::span<const std::pair<DType, std::string_view>> enum_words<DType>();
template <>
std::span<const std::pair<OptimizerType, std::string_view>> enum_words<OptimizerType>();
template <>
std::span<const std::pair<ScheduleType, std::string_view>> enum_words<ScheduleType>();

template <class Enum>
std::string to_word(Enum value) {
  for (const auto& [known, word] : enum_words<Enum>()) {
    if (known == value) {
      return std::string(word);
    }
  }
  throw ConfigError("enum value without a word");
}

template <class Enum>
std::optional<Enum> from_word(std::string_view text) {
  for (const auto& [known, word] : enum_words<Enum>()) {
    if (word == text) {
      return known;
    }
  }
  return std::nullopt;
}

}  // namespace brt
