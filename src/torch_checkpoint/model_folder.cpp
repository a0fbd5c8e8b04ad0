// SPDX-License-Identifier: Apache-2.0
// Models to folders and back, with every difference between file and model named at once.
#include "torch_checkpoint/model_folder.h"

#include <optional>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>

#include "base/error.h"
#include "base/files.h"
#include "checkpoint/model_path.h"
#include "safetensors/model_hash.h"
#include "safetensors/size_check.h"
#include "safetensors/tensor_misfits.h"
#include "safetensors/weight_files.h"
#include "torch_checkpoint/tensor_files.h"

namespace brt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "config.json";
constexpr const char* kTokenizerName = "tokenizer.model";

/// Parameters by name, sorted, without gradients.
TensorMap parameter_map(const LanguageModel& model) {
  TensorMap parameters;
  for (const auto& item : model->named_parameters(/*recurse=*/true)) {
    parameters[item.key()] = item.value().detach();
  }
  return parameters;
}

TensorShape shape_of(const at::Tensor& tensor) {
  return {tensor.sizes().data(), tensor.sizes().size()};
}

/// What is wrong with one tensor for one parameter, if anything.
std::optional<std::string> misfit(const std::string& name,
                                  const at::Tensor& parameter,
                                  const at::Tensor& tensor) {
  if (tensor.sizes() != parameter.sizes()) {
    return misshapen_tensor(name, shape_of(parameter), shape_of(tensor));
  }
  if (!tensor.is_floating_point()) {
    return unreadable_tensor(name, safetensors_dtype(tensor.scalar_type()));
  }
  return std::nullopt;
}

std::vector<std::string> differences(const TensorMap& parameters, const TensorMap& tensors) {
  std::vector<std::string> problems;
  for (const auto& [name, parameter] : parameters) {
    const TensorMap::const_iterator found = tensors.find(name);
    if (found == tensors.end()) {
      problems.push_back(missing_tensor(name, shape_of(parameter)));
    } else if (std::optional<std::string> problem = misfit(name, parameter, found->second)) {
      problems.push_back(std::move(*problem));
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (!parameters.contains(name)) {
      problems.push_back(surplus_tensor(name, shape_of(tensor)));
    }
  }
  return problems;
}

/// The shape of the embedding; empty if there is none.
TensorShape embedding_shape(const TensorMap& tensors) {
  const TensorMap::const_iterator found = tensors.find(kEmbeddingName);
  return found == tensors.end() ? TensorShape() : shape_of(found->second);
}

int64_t weights_held(const WeightFiles& weights) {
  int64_t held = 0;
  for (const fs::path& shard : weights.shards) {
    for (const TensorDescription& tensor : describe_safetensors(shard)) {
      held += elements_of(tensor.shape);
    }
  }
  return held;
}

/// One NaN makes every result NaN.
void check_finite(const LanguageModel& model, const fs::path& weights) {
  for (const auto& [name, parameter] : parameter_map(model)) {
    if (!at::isfinite(parameter).all().item<bool>()) {
      throw_not_finite(weights.string(), name);
    }
  }
}

TensorMap load_weights(const WeightFiles& weights) {
  TensorMap tensors;
  for (size_t shard = 0; shard < weights.shards.size(); ++shard) {
    for (const auto& [name, tensor] : load_safetensors(weights.shards[shard]).tensors) {
      check_shard_of(weights, name, shard);
      tensors[name] = tensor;
    }
  }
  check_all_found(weights, tensors);
  return tensors;
}

/// One that another model left here would be taken for this model's.
void remove_tokenizer(const fs::path& folder) {
  std::error_code error;
  fs::remove(folder / kTokenizerName, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be deleted: {}", (folder / kTokenizerName).string(),
                            error.message()));
  }
}

}  // namespace

WrittenFiles save_model(const fs::path& folder,
                        const LanguageModel& model,
                        const std::string& tokenizer_model) {
  TensorMap parameters = parameter_map(model);
  for (auto& [name, parameter] : parameters) {
    parameter = parameter.to(at::kFloat);  // the same tensor unless the model is float64
  }
  WrittenFiles files;
  files[kWeightsName] = save_safetensors(folder / kWeightsName, parameters);
  if (tokenizer_model.empty()) {
    remove_tokenizer(folder);
  } else {
    files[kTokenizerName] = write_recorded_file(folder / kTokenizerName, tokenizer_model);
  }
  files[kConfigName] = write_recorded_file(
      folder / kConfigName,
      model_config_to_json(model->config(), tokenizer_model.empty() ? "bytes" : "sentencepiece"));
  return files;
}

LanguageModel load_model(const fs::path& path) {
  const fs::path folder = find_model_folder(path);
  check_manifest(folder);
  const ModelConfig config = read_model_config(folder / kConfigName);
  const WeightFiles weights = find_weight_files(folder);
  check_model_size(config, weights.origin, weights_held(weights), ReadingForm::kSegments);
  LanguageModel model(config);
  load_parameters(model, load_weights(weights), weights.origin.string());
  check_finite(model, weights.origin);
  return model;
}

void load_parameters(LanguageModel& model,
                     const std::map<std::string, at::Tensor>& tensors,
                     const std::string& origin) {
  const at::NoGradGuard no_grad;
  TensorMap parameters = parameter_map(model);
  throw_misfits(origin, differences(parameters, tensors),
                misfit_hint(embedding_shape(parameters), embedding_shape(tensors)));
  for (auto& [name, parameter] : parameters) {
    parameter.copy_(tensors.at(name));  // shares memory with the model's
  }
}

uint64_t model_fingerprint(const LanguageModel& model) {
  ModelHash hash(model->config());
  for (const auto& [name, parameter] : parameter_map(model)) {
    const at::Tensor weights = parameter.to(at::kCPU).contiguous();
    hash.add(name, safetensors_dtype(weights.scalar_type()),
             {weights.sizes().data(), weights.sizes().size()}, weights.const_data_ptr(),
             weights.nbytes());
  }
  return hash.digest();
}

}  // namespace brt
