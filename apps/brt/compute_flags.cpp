// SPDX-License-Identifier: Apache-2.0
// --dtype, --threads, and a model beside its tokenizer.
#include "compute_flags.h"

#include <filesystem>
#include <string>
#include <utility>

#include "base/error.h"
#include "generate/load_engine.h"
#include "generate/vocabulary_check.h"
#include "model_flag.h"
#include "number_checks.h"
#include "ops/compute_threads.h"
#include "torch_checkpoint/model_folder.h"

namespace brt {

void add_compute_flags(CLI::App& verb, ComputeFlags& flags) {
  verb.add_option("--dtype", flags.dtype, "precision of matrix products: fp32, bf16")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  verb.add_option("--threads", flags.threads, "threads; 0: all cores that the process may use")
      ->check(whole_number(0, 4096))
      ->capture_default_str();
}

at::ScalarType apply_compute_flags(const ComputeFlags& flags) {
  set_compute_threads(flags.threads);
  if (flags.dtype == "fp32") {
    return at::kFloat;
  }
  if (flags.dtype == "bf16") {
    return at::kBFloat16;
  }
  throw ConfigError("dtype must be fp32 or bf16, got \"" + flags.dtype + "\"");
}

ModelWithTokenizer load_model_with_tokenizer(const std::string& path) {
  const std::filesystem::path folder = choose_model_folder(path, log_load_messages());
  ModelWithTokenizer loaded;
  loaded.model = load_model(folder);
  loaded.tokenizer = load_model_tokenizer(folder);
  check_vocabulary(folder, *loaded.tokenizer, loaded.model->config().vocab_size);
  return loaded;
}

}  // namespace brt
