// SPDX-License-Identifier: Apache-2.0
// The dtype of matrix products that a setting names.
#pragma once

#include <c10/core/ScalarType.h>

#include "config/run_config.h"

namespace brt {

/// The setting itself, or what "auto" stands for: bf16, which learns alike and is as fast or
/// faster; but fp32 on the scalar target, which widens bfloat16 in vain.
DType resolved_dtype(DType dtype);

at::ScalarType compute_dtype(DType dtype);

}  // namespace brt
