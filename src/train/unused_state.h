// SPDX-License-Identifier: Apache-2.0
// Whether a model has learned to do without its recurrent state.
#pragma once

#include <cstdint>

namespace brt {

/// Evaluations in a row after which a state that makes no difference counts as unused.
inline constexpr int64_t kLongUnused = 5;
/// Relative difference of the losses that counts as none: a state that is read makes ten times this
/// and more.
inline constexpr double kUnusedDifference = 1e-4;

/// The number of evaluations in a row, up to this one, in which the loss without the state that
/// comes in equals that with it. From kLongUnused on it stays, so that it is told once.
/// @param before  this number of the evaluation before
int64_t count_unused_state(int64_t before, double loss, double loss_without_state);

}  // namespace brt
