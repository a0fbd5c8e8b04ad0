// SPDX-License-Identifier: Apache-2.0
// Compares the model with cases computed by the reference implementation.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace brt {

/// One quantity of a case: its largest error and the limit it must keep.
struct SelftestFigure {
  std::string name;  ///< "logits", "loss", "gradients", "carry"; training: "losses", "change"
  double error = 0.0;
  double limit = 0.0;
  std::string worst;  ///< the tensor or segment with that error

  bool passed() const { return error <= limit; }  // false for NaN
};

struct SelftestResult {
  std::string name;  ///< the folder's name
  std::vector<SelftestFigure> figures;
  std::string failure;  ///< why the case could not run, if so

  bool passed() const;
};

/// Case folders at or below `folder` (model.md, "Golden cases": config.json and model.safetensors
/// beside case.safetensors or steps.safetensors), in path order.
/// @throws DataError if there is none.
std::vector<std::filesystem::path> find_selftest_cases(const std::filesystem::path& folder);

/// Runs one case. Errors are absolute for logits, loss, carry and training losses; relative to the
/// largest entry of each tensor for gradients (bfloat16: norm relative to norm); relative to the
/// norm of each tensor's change for training. Limits in float32 are those of model.md; in bfloat16
/// see selftest.cpp. Never throws for a faulty case: the result says what is wrong.
SelftestResult run_selftest_case(const std::filesystem::path& folder, DType dtype);

}  // namespace brt
