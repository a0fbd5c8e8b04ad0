// SPDX-License-Identifier: Apache-2.0
// The kernel's arguments.
#include "engine/rms_norm_rows.h"

#include <cstdint>

#include "config/model_constants.h"
#include "kernels/rms_norm.h"

namespace brt {

void rms_norm_rows(std::span<const float> x_RD,
                   std::span<const float> gain_D,
                   float* out_RD,
                   float* root_R) {
  kernels::RmsNormArgs<float> args;
  args.x = x_RD.data();
  args.gain = gain_D.data();
  args.out = out_RD;
  args.root = root_R;
  args.width = static_cast<int64_t>(gain_D.size());
  args.epsilon = static_cast<float>(kNormEpsilon);
  kernels::rms_norm(args, 0, static_cast<int64_t>(x_RD.size() / gain_D.size()));
}

}  // namespace brt
