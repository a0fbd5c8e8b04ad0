// SPDX-License-Identifier: Apache-2.0
// The flags --dtype and --threads of the verbs that run a model, and loading it with its tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "model/language_model.h"
#include "text/tokenizer.h"

namespace brt {

struct ComputeFlags {
  std::string dtype = "fp32";
  int64_t threads = 0;  ///< 0: all cores that the process may use
};

/// `flags` must live as long as the app.
void add_compute_flags(CLI::App& verb, ComputeFlags& flags);

/// Sets the number of threads and gives the dtype of matrix products.
at::ScalarType apply_compute_flags(const ComputeFlags& flags);

struct ModelWithTokenizer {
  LanguageModel model{nullptr};
  std::unique_ptr<Tokenizer> tokenizer;
};

/// A model folder, or a run folder's newest checkpoint. @throws CheckpointError also if the
/// tokenizer has tokens that the model lacks.
ModelWithTokenizer load_model_with_tokenizer(const std::string& path);

}  // namespace brt
