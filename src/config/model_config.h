// SPDX-License-Identifier: Apache-2.0
// The model's sizes and options: the keys of config.json and of the section [model].
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace brt {

enum class GateType { kFixed, kLstm };            ///< "fixed", "lstm"
enum class CellType { kDual, kSingle, kSkip };    ///< "dual", "single", "skip"
enum class PositionType { kT5, kNone, kRotary };  ///< "t5", "none", "rotary"

/// Sizes and options of a Block-Recurrent Transformer or one of its baselines (model.md,
/// "Symbols"). The defaults are the paper's Rec:fixed:skip of 150M parameters.
struct ModelConfig {
  int64_t vocab_size = 0;                      ///< V; 0 in a recipe: that of the prepared data
  int64_t num_layers = 12;                     ///< L
  int64_t width = 1024;                        ///< D
  int64_t num_heads = 8;                       ///< H
  int64_t head_size = 128;                     ///< K
  int64_t ffn_width = 4096;                    ///< F
  int64_t window = 512;                        ///< W, also the block length
  int64_t segment = 4096;                      ///< N, a multiple of W
  int64_t num_states = 512;                    ///< S
  std::vector<int64_t> recurrent_layers = {};  ///< 0-based; negative from the top until resolved
  GateType gate = GateType::kFixed;
  CellType cell = CellType::kSkip;
  bool feedback = false;
  PositionType position = PositionType::kT5;
  int64_t num_buckets = 32;
  int64_t max_distance = 128;
  bool unit_attention = true;
  bool candidate_tanh = false;
  bool mask_empty_cache = false;

  bool operator==(const ModelConfig&) const = default;

  /// Calls visit(name, member, help) for every field in order.
  template <class Self, class Visit>
  static void for_each_field(Self& self, Visit&& visit) {
    visit("vocab_size", self.vocab_size, "vocabulary size; 0: that of the prepared data");
    visit("num_layers", self.num_layers, "layers");
    visit("width", self.width, "model width");
    visit("num_heads", self.num_heads, "attention heads");
    visit("head_size", self.head_size, "features of one head");
    visit("ffn_width", self.ffn_width, "hidden width of the feed-forward network");
    visit("window", self.window, "block length; each token attends to this many tokens before it");
    visit("segment", self.segment, "tokens of one training step and lane; a multiple of window");
    visit("num_states", self.num_states, "recurrent state vectors");
    visit("recurrent_layers", self.recurrent_layers,
          "indices of recurrent layers, negative from the top");
    visit("gate", self.gate, "gate of the state: fixed, lstm");
    visit("cell", self.cell, "configuration of the recurrent cell: dual, single, skip");
    visit("feedback", self.feedback, "block feedback: every layer attends to the state");
    visit("position", self.position, "token positions: t5, none, rotary");
    visit("num_buckets", self.num_buckets, "buckets of the t5 position bias");
    visit("max_distance", self.max_distance,
          "distance from which all positions share the last bucket");
    visit("unit_attention", self.unit_attention,
          "QK norm: unit-length queries and keys with a learned scale per head");
    visit("candidate_tanh", self.candidate_tanh,
          "tanh of the candidate in every lstm gate, as the paper writes it");
    visit("mask_empty_cache", self.mask_empty_cache,
          "hide the empty cache in a document's first block");
  }
};

/// Whether layer `index` has a recurrent cell. `config` is resolved (see resolve_model_config).
bool is_recurrent_layer(const ModelConfig& config, int64_t index);

/// Index of the topmost recurrent layer, or -1.
int64_t topmost_recurrent_layer(const ModelConfig& config);

/// Whether layer `index` cross-attends to states: recurrent layers; with feedback every layer.
bool attends_to_states(const ModelConfig& config, int64_t index);

/// H*K, the joined heads of one attention.
int64_t heads_width(const ModelConfig& config);

/// E = 2*H*K, the joined heads of two attentions.
int64_t joined_width(const ModelConfig& config);

/// Number of parameters of the model, from the shapes of model.md, "Checkpoint names".
int64_t count_parameters(const ModelConfig& config);

/// Matrix-product FLOPs of one token's forward pass as design notes count them: multiply-add = 2,
/// every query with exactly W keys; a training step is three times this.
double forward_flops_per_token(const ModelConfig& config);

/// Makes recurrent_layers non-negative, sorted. Call validate_model_config for its problems.
ModelConfig resolve_model_config(ModelConfig config);

/// Every problem of the model's settings, empty if there is none. Keys are named "model.KEY".
std::vector<std::string> model_config_problems(const ModelConfig& config);

/// config.json's text for a model folder: "architectures", "model_type", "format_version" (1), the
/// fields above, and "tokenizer": "bytes" when `tokenizer` is that (otherwise tokenizer.model lies
/// beside it).
std::string model_config_to_json(const ModelConfig& config, const std::string& tokenizer);

/// The model keys of a config.json; unknown keys are ignored as other programs may add some,
/// missing keys take the defaults except sizes. The result is resolved and valid.
/// @param origin the file's path, for messages.
/// @throws ConfigError listing every problem.
ModelConfig model_config_from_json(const std::string& text, const std::string& origin);

/// The same from the config.json of a model folder, where a config that cannot be used is a damaged
/// model, not a wrong setting of the user's. @throws CheckpointError; Error if it cannot be read.
ModelConfig read_model_config(const std::filesystem::path& path);

}  // namespace brt
