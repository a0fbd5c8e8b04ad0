// SPDX-License-Identifier: Apache-2.0
// In which numbers an engine holds its weights.
#pragma once

#include <string_view>

namespace brt {

/// "fp32", "bf16", "int8". With all but kFloat32 the operands of attention and the caches are
/// bfloat16.
enum class WeightFormat { kFloat32, kBfloat16, kInt8 };

std::string_view to_word(WeightFormat format);
/// @throws ConfigError for other words than those.
WeightFormat weight_format_from_word(std::string_view word);

}  // namespace brt
