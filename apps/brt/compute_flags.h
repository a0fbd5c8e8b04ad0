// SPDX-License-Identifier: Apache-2.0
// The flags --dtype and --threads of the verbs that run the training model.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include <c10/core/ScalarType.h>

namespace brt {

struct ComputeFlags {
  std::string dtype = "fp32";
  int64_t threads = 0;  ///< 0: all cores
};

/// `flags` must live as long as the app.
void add_compute_flags(CLI::App& verb, ComputeFlags& flags);

/// Sets the number of threads and gives the dtype of matrix products.
at::ScalarType apply_compute_flags(const ComputeFlags& flags);

}  // namespace brt
