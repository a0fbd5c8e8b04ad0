// SPDX-License-Identifier: Apache-2.0
// Tiny models of every kind, with parameters far from their first values.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "base/seeded_random.h"
#include "config/presets.h"
#include "model/language_model.h"
#include "support/tensors.h"

namespace brt {

struct NamedConfig {
  std::string name;
  ModelConfig config;
};

/// Sizes that all differ, so that a transposition shows; small enough for finite differences.
inline ModelConfig shrink(ModelConfig config) {
  config.vocab_size = 11;
  config.num_layers = 3;
  config.width = 6;
  config.num_heads = 2;
  config.head_size = 4;
  config.ffn_width = 7;
  config.window = 3;
  config.segment = 9;
  config.num_states = 5;
  config.num_buckets = 4;
  config.max_distance = 8;
  if (!config.recurrent_layers.empty()) {
    config.recurrent_layers = {1};
  }
  return config;
}

inline ModelConfig tiny_config(const std::string& preset) {
  return shrink(make_preset(preset, "tiny"));
}

/// Every preset of the paper's family.
inline std::vector<NamedConfig> preset_configs() {
  std::vector<NamedConfig> configs;
  for (const std::string& preset : preset_names()) {
    configs.push_back({preset, tiny_config(preset)});
  }
  return configs;
}

/// The presets, and every option at least once without recurrence, with it and with feedback.
inline std::vector<NamedConfig> all_configs() {
  std::vector<NamedConfig> configs = preset_configs();
  for (const std::string preset : {"slide", "rec-fixed-skip", "feedback-lstm-dual"}) {
    const auto add = [&](const std::string& option, const auto& change) {
      NamedConfig named = {preset + " " + option, tiny_config(preset)};
      change(named.config);
      configs.push_back(named);
    };
    add("rotary", [](ModelConfig& config) { config.position = PositionType::kRotary; });
    add("none", [](ModelConfig& config) { config.position = PositionType::kNone; });
    add("plain attention", [](ModelConfig& config) { config.unit_attention = false; });
    add("mask_empty_cache", [](ModelConfig& config) { config.mask_empty_cache = true; });
    add("window 1", [](ModelConfig& config) { config.window = 1; });
    add("long window", [](ModelConfig& config) { config.window = 12; });
  }
  for (const std::string preset :
       {"rec-lstm-skip", "rec-lstm-single", "rec-lstm-dual", "rec-fixed-dual"}) {
    NamedConfig named = {preset + " candidate_tanh", tiny_config(preset)};
    named.config.candidate_tanh = true;
    configs.push_back(named);
  }
  for (const std::string preset : {"rec-lstm-skip", "feedback-fixed-skip"}) {
    NamedConfig named = {preset + " two layers", tiny_config(preset)};
    named.config.recurrent_layers = {0, 2};
    configs.push_back(named);
    named.name += " mask_empty_cache";
    named.config.mask_empty_cache = true;
    configs.push_back(named);
  }
  return configs;
}

/// A model whose gains, scales and biases are far from 1 and 0, some of them negative.
inline LanguageModel make_model(const ModelConfig& config,
                                uint64_t seed = 1,
                                at::ScalarType dtype = at::kFloat) {
  LanguageModel model(config);
  initialize(model, seed);
  const at::NoGradGuard no_gradient;
  for (const auto& parameter : model->named_parameters()) {
    const uint64_t own_seed = derive_seed(seed, "far " + parameter.key(), {});
    if (parameter.value().dim() == 1 || parameter.key().ends_with("position_bias") ||
        parameter.key().ends_with("initial_state")) {
      parameter.value().add_(random_tensor(parameter.value().sizes(), own_seed, at::kFloat, 0.7));
    }
  }
  model->to(dtype);
  return model;
}

inline ForwardOptions options_of(at::ScalarType dtype) {
  ForwardOptions options;
  options.dtype = dtype;
  return options;
}

inline at::Tensor all_start(int64_t lanes) { return at::ones({lanes}, at::kByte); }

/// Reads a document's first tokens in every lane.
inline SegmentOutput read_from_start(LanguageModel& model,
                                     const at::Tensor& tokens_BN,
                                     const ForwardOptions& options = {}) {
  const int64_t lanes = tokens_BN.size(0);
  return model->forward(tokens_BN, all_start(lanes),
                        make_carry(model->config(), lanes, options.dtype), options);
}

/// The parameters as plain numbers, for SlowModel.
inline std::map<std::string, std::vector<double>> parameters_of(const LanguageModel& model) {
  std::map<std::string, std::vector<double>> parameters;
  for (const auto& parameter : model->named_parameters()) {
    const at::Tensor flat = parameter.value().detach().to(at::kDouble).flatten().contiguous();
    const double* first = flat.data_ptr<double>();
    parameters[parameter.key()] = std::vector<double>(first, first + flat.numel());
  }
  return parameters;
}

inline std::vector<int64_t> numbers_of(const at::Tensor& tokens_N) {
  const at::Tensor flat = tokens_N.contiguous();
  const int64_t* first = flat.data_ptr<int64_t>();
  return {first, first + flat.numel()};
}

/// Whether two carries hold the same values to the last bit.
inline testing::AssertionResult same_carry(const Carry& got, const Carry& want) {
  const std::map<std::string, at::Tensor> got_tensors = got.tensors();
  const std::map<std::string, at::Tensor> want_tensors = want.tensors();
  if (got_tensors.size() != want_tensors.size()) {
    return testing::AssertionFailure() << "other tensors";
  }
  for (const auto& [name, tensor] : want_tensors) {
    const testing::AssertionResult same = bit_equal(got_tensors.at(name), tensor);
    if (!same) {
      return testing::AssertionFailure() << name << ": " << same.message();
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace brt
