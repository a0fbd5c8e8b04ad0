// SPDX-License-Identifier: Apache-2.0
// LibTorch's small matrix products for the kernels.
#pragma once

namespace brt {

/// Gives LibTorch's brgemm (AMX tiles where the CPU has them) to the kernels' target kBrgemm. Ops
/// that compute products call it first; all calls but the first do nothing.
void give_brgemm_to_kernels();

}  // namespace brt
