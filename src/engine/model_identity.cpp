// SPDX-License-Identifier: Apache-2.0
// Identities and how they differ.
#include "engine/model_identity.h"

#include "base/error.h"
#include "base/hash.h"
#include "kernels/cpu_target.h"

namespace brt {

ModelIdentity identify(const Engine& engine, const Tokenizer& tokenizer) {
  return {.model_fingerprint = engine.fingerprint(),
          .tokenizer_fingerprint = tokenizer.fingerprint(),
          .weights = std::string(to_word(engine.weights())),
          .kernel_target = std::string(kernels::arithmetic_name())};
}

void require_same_model(const std::string& origin,
                        const ModelIdentity& saved,
                        const ModelIdentity& running) {
  if (saved.model_fingerprint != running.model_fingerprint) {
    throw CheckpointError(
        origin + ": belongs to another model: its fingerprint is " +
            hash_text(saved.model_fingerprint) + ", that of the given model is " +
            hash_text(running.model_fingerprint),
        "give the model that it was made with; brt inspect names a model's fingerprint");
  }
  if (saved.tokenizer_fingerprint != running.tokenizer_fingerprint) {
    throw CheckpointError(origin + ": was made with another tokenizer: its fingerprint is " +
                              hash_text(saved.tokenizer_fingerprint) +
                              ", that of the given model's is " +
                              hash_text(running.tokenizer_fingerprint),
                          "put the tokenizer.model that it was made with into the model folder");
  }
  if (saved.weights != running.weights) {
    throw CheckpointError(origin + ": was made with weights in " + saved.weights +
                              ", the model is read in " + running.weights,
                          "give --weights " + saved.weights);
  }
}

}  // namespace brt
