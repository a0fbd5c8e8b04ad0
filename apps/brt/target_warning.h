// SPDX-License-Identifier: Apache-2.0
// A line for those whose processor runs no fast kernels.
#pragma once

namespace brt {

/// Warns, once a process, if the kernels run on the scalar target, and says why.
void warn_of_scalar_target();

}  // namespace brt
