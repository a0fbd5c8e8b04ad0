// SPDX-License-Identifier: Apache-2.0
// The warning and its reason.
#include "target_warning.h"

#include <cstdlib>

#include <spdlog/spdlog.h>

#include "kernels/cpu_target.h"

namespace brt {

void warn_of_scalar_target() {
  static bool is_said = false;
  if (is_said || kernels::cpu_target() != kernels::CpuTarget::kScalar) {
    return;
  }
  is_said = true;
  const char* asked = std::getenv("BRT_CPU_TARGET");
  const bool is_asked = asked != nullptr && *asked != '\0';
  spdlog::warn(
      "the kernels run on the CPU target scalar, several times slower than others: {}",
      is_asked ? "BRT_CPU_TARGET asks for it"
               : "this CPU has none of the instructions that the faster ones need (AVX2, AVX-512, "
                 "64-bit Arm)");
}

}  // namespace brt
