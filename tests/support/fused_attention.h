// SPDX-License-Identifier: Apache-2.0
// Tests of fused attention: operands as the model makes them.
#pragma once

#include <vector>

#include "ops/unit_length.h"
#include "support/fused_case.h"
#include "support/tolerance.h"

namespace brt {

class FusedAttentionTest : public FusedTest {
 protected:
  /// Arguments that need gradients: query and keys of unit length, then values, each of the case's
  /// dtype; then others as they are.
  std::vector<at::Tensor> as_the_model_has_them(std::vector<at::Tensor> in) const {
    in[0] = unit_length(in[0]);
    in[1] = unit_length(in[1]);
    for (size_t i = 0; i < in.size(); ++i) {
      in[i] = (i < 3 ? in[i].to(GetParam().dtype) : in[i]).detach().requires_grad_();
    }
    return in;
  }
  double limit() const { return GetParam().dtype == at::kFloat ? 1e-5 : 3 * tolerance::kBFloat16; }
};

}  // namespace brt
