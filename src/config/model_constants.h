// SPDX-License-Identifier: Apache-2.0
// Numbers of model.md that are the same in every model.
#pragma once

namespace brt {

/// Added to the mean of squares in norms, and to their sum for unit length, before the root.
inline constexpr double kNormEpsilon = 1e-6;

/// The logit of attention's phantom entry, which carries no value: a row that sees nothing attends
/// to nothing.
inline constexpr double kPhantomLogit = -1000.0;

/// The logits of keys that may not be seen: so far below the phantom's that they weigh nothing.
inline constexpr double kHiddenLogit = -1e6;

}  // namespace brt
