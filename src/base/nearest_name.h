// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known name nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace brt {

/// The entry of `known` that `name` was most likely meant to be: the one with the smallest edit
/// distance (two neighbours exchanged count as one edit; ties: the first), if that is at most a
/// third of the longer name; else the first that `name` begins, or that begins it. Empty if there
/// is none: a wrong guess sends a reader the wrong way.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace brt
