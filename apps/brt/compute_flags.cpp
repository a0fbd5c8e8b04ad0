// SPDX-License-Identifier: Apache-2.0
// --dtype, --threads, and a model beside its tokenizer.
#include "compute_flags.h"

#include <filesystem>
#include <string>
#include <utility>

#include "config/enum_text.h"
#include "generate/load_engine.h"
#include "generate/vocabulary_check.h"
#include "model_flag.h"
#include "number_checks.h"
#include "ops/compute_dtype.h"
#include "ops/compute_threads.h"
#include "target_warning.h"
#include "torch_checkpoint/model_folder.h"

namespace brt {

void add_compute_flags(CLI::App& verb, ComputeFlags& flags) {
  verb.add_option("--dtype", flags.dtype,
                  "precision of matrix products: fp32, bf16, or auto: the faster one on this CPU")
      ->check(CLI::IsMember({"fp32", "bf16", "auto"}))
      ->capture_default_str();
  verb.add_option("--threads", flags.threads, "threads; 0: all cores that the process may use")
      ->check(whole_number(0, 4096))
      ->capture_default_str();
}

at::ScalarType apply_compute_flags(const ComputeFlags& flags) {
  warn_of_scalar_target();
  set_compute_threads(flags.threads);
  return compute_dtype(*from_word<DType>(flags.dtype));
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
