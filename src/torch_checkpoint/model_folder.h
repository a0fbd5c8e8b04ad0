// SPDX-License-Identifier: Apache-2.0
// A model on disk: config.json, model.safetensors and the tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "checkpoint/written_file.h"
#include "config/model_config.h"
#include "model/language_model.h"

namespace brt {

/// Writes config.json, model.safetensors (float32) and, if `tokenizer_model` is not empty,
/// tokenizer.model into an existing folder. An empty `tokenizer_model` stands for bytes.
/// @return what each of these files was given
WrittenFiles save_model(const std::filesystem::path& folder,
                        const LanguageModel& model,
                        const std::string& tokenizer_model);

/// Reads a model folder: the config, then the weights (any float dtype, into float32; shards too).
/// `path` may also be a run folder: its newest complete checkpoint is read. Where the folder has a
/// manifest, config and weights must agree with it.
/// @throws CheckpointError naming missing, surplus and misshapen tensors, all at once, or the first
/// one that holds NaN or infinity.
LanguageModel load_model(const std::filesystem::path& path);

/// Copies tensors into the model's parameters, all or none. @throws CheckpointError as load_model.
void load_parameters(LanguageModel& model,
                     const std::map<std::string, at::Tensor>& tensors,
                     const std::string& origin);

/// Hash of the config and of every weight: the identity of a model.
uint64_t model_fingerprint(const LanguageModel& model);

}  // namespace brt
