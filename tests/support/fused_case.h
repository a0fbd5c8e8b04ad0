// SPDX-License-Identifier: Apache-2.0
// Tests of fused operations: once for each CPU target and dtype that kernels compute in.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>

#include "kernels/cpu_target.h"

namespace brt {

struct FusedCase {
  kernels::CpuTarget target;
  at::ScalarType dtype;
};

/// Forces its case's target while a test runs.
class FusedTest : public testing::TestWithParam<FusedCase> {
 protected:
  void SetUp() override { kernels::force_cpu_target(GetParam().target); }
  void TearDown() override { kernels::force_cpu_target(kernels::supported_targets().back()); }
};

inline std::vector<FusedCase> fused_cases() {
  std::vector<FusedCase> cases;
  for (const kernels::CpuTarget target : kernels::supported_targets()) {
    cases.push_back({target, at::kFloat});
    cases.push_back({target, at::kBFloat16});
  }
  return cases;
}

inline std::string fused_case_name(const testing::TestParamInfo<FusedCase>& one) {
  return std::string(kernels::to_word(one.param.target)) +
         (one.param.dtype == at::kFloat ? "_float32" : "_bfloat16");
}

}  // namespace brt
