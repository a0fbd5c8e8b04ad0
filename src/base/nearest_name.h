// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known name nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace brt {

/// The entry of `known` with the smallest edit distance to `name` (ties: the first); empty if
/// `known` is empty.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace brt
