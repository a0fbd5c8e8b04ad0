// SPDX-License-Identifier: Apache-2.0
// The words of the formats.
#include "engine/weight_format.h"

#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace brt {
namespace {

constexpr std::pair<WeightFormat, std::string_view> kWords[] = {
    {WeightFormat::kFloat32, "fp32"},
    {WeightFormat::kBfloat16, "bf16"},
    {WeightFormat::kInt8, "int8"},
};

}  // namespace

std::string_view to_word(WeightFormat format) {
  for (const auto& [known, word] : kWords) {
    if (known == format) {
      return word;
    }
  }
  throw ConfigError("weight format: unknown value");
}

WeightFormat weight_format_from_word(std::string_view word) {
  for (const auto& [format, known] : kWords) {
    if (known == word) {
      return format;
    }
  }
  throw ConfigError(fmt::format("weight format must be fp32, bf16 or int8, got {}", word));
}

}  // namespace brt
