// SPDX-License-Identifier: Apache-2.0
// All settings of one training run: the sections of a recipe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "config/model_config.h"

namespace brt {

enum class DType { kFp32, kBf16, kAuto };                ///< "fp32", "bf16", "auto"
enum class OptimizerType { kAdafactor, kAdamw, kMuon };  ///< "adafactor", "adamw", "muon"
enum class ScheduleType { kRsqrt, kCosine, kReferenceCosine, kConstant };
///< "rsqrt", "cosine", "reference_cosine", "constant"

/// [data]: what is trained on and evaluated.
struct DataConfig {
  std::string path;  ///< folder made by `brt prepare`
  std::string train_split = "train";
  std::string validation_split = "validation";
  bool shuffle = true;  ///< document order, anew each epoch

  bool operator==(const DataConfig&) const = default;
  template <class Self, class Visit>
  static void for_each_field(Self& self, Visit&& visit) {
    visit("path", self.path, "folder made by brt prepare");
    visit("train_split", self.train_split, "split to train on");
    visit("validation_split", self.validation_split,
          "split of the periodic evaluation; empty: none");
    visit("shuffle", self.shuffle, "shuffle the documents anew each epoch");
  }
};

/// [train]: the loop.
struct TrainConfig {
  int64_t steps = 1000;
  int64_t lanes = 8;           ///< B, the batch
  int64_t accumulation = 1;    ///< a step's lanes are computed in this many groups
  DType dtype = DType::kFp32;  ///< compute precision; weights are always float32
  int64_t seed = 1;
  int64_t threads = 0;  ///< 0: all cores
  double dropout = 0.0;
  bool recompute = false;  ///< activation checkpointing: layers are computed again in backward
  int64_t log_every = 10;
  int64_t checkpoint_every = 500;  ///< 0: at the end only
  int64_t keep_last = 2;           ///< newest checkpoints that are kept
  int64_t keep_every = 0;       ///< also keep every checkpoint at a multiple of this step; 0: none
  bool keep_best = true;        ///< also keep the one with the lowest validation loss
  int64_t save_patience = 500;  ///< steps without a checkpoint that could be written; then an error

  bool operator==(const TrainConfig&) const = default;
  template <class Self, class Visit>
  static void for_each_field(Self& self, Visit&& visit) {
    visit("steps", self.steps, "optimizer updates");
    visit("lanes", self.lanes, "batch: documents side by side");
    visit("accumulation", self.accumulation, "compute the lanes of a step in this many groups");
    visit("dtype", self.dtype,
          "compute precision: fp32, bf16, or auto: the faster one on this CPU");
    visit("seed", self.seed, "seed of weights, document order and dropout");
    visit("threads", self.threads, "threads; 0: all cores");
    visit("dropout", self.dropout, "dropout rate");
    visit("recompute", self.recompute,
          "activation checkpointing: recompute layers in backward to bound memory");
    visit("log_every", self.log_every, "steps between lines of metrics.jsonl");
    visit("checkpoint_every", self.checkpoint_every,
          "steps between checkpoints; 0: at the end only");
    visit("keep_last", self.keep_last, "newest checkpoints that are kept");
    visit("keep_every", self.keep_every, "keep every checkpoint at a multiple of this; 0: none");
    visit("keep_best", self.keep_best, "keep the checkpoint with the lowest validation loss");
    visit("save_patience", self.save_patience,
          "steps to go on, trying again at each, when a checkpoint cannot be written; 0: none");
  }
};

/// [optimizer]: update rule and learning rate.
struct OptimizerConfig {
  OptimizerType type = OptimizerType::kAdafactor;
  double rate = 1.0;  ///< base rate; what the schedule multiplies
  ScheduleType schedule = ScheduleType::kRsqrt;
  int64_t warmup = 1000;        ///< steps of linear warm-up
  double final_fraction = 0.1;  ///< cosine: the last step's rate as a fraction of the peak
  double clip_norm = 0.0;       ///< clip the global gradient norm to this; 0: no clipping
  double beta1 = 0.9;
  double beta2 = 0.95;        ///< adamw and muon; adafactor's follows the step
  double epsilon = 1e-8;      ///< adamw and muon
  double weight_decay = 0.1;  ///< adamw and muon: decoupled, on tensors with two dimensions
  double momentum = 0.95;     ///< muon only: of its matrices; beta1 is that of the other tensors

  bool operator==(const OptimizerConfig&) const = default;
  template <class Self, class Visit>
  static void for_each_field(Self& self, Visit&& visit) {
    visit("type", self.type, "adafactor, adamw, muon");
    visit("rate", self.rate, "base learning rate, multiplied by the schedule");
    visit("schedule", self.schedule, "rsqrt, cosine, reference_cosine, constant");
    visit("warmup", self.warmup, "steps of linear warm-up");
    visit("final_fraction", self.final_fraction, "cosine: last rate as a fraction of the peak");
    visit("clip_norm", self.clip_norm, "clip the gradient's global norm; 0: no clipping");
    visit("beta1", self.beta1, "decay of the first moment");
    visit("beta2", self.beta2, "adamw, muon: decay of the second moment");
    visit("epsilon", self.epsilon, "adamw, muon: added to the root of the second moment");
    visit("weight_decay", self.weight_decay, "adamw, muon: decoupled weight decay of matrices");
    visit("momentum", self.momentum, "muon: decay of the momentum of weight matrices");
  }
};

/// [evaluation]: the periodic evaluation during training.
struct EvaluationConfig {
  int64_t every = 500;  ///< steps; 0: never
  int64_t max_tokens =
      200000;  ///< per evaluation: each document is read up to max_tokens / documents; 0: all
  int64_t lanes = 4;

  bool operator==(const EvaluationConfig&) const = default;
  template <class Self, class Visit>
  static void for_each_field(Self& self, Visit&& visit) {
    visit("every", self.every, "steps between evaluations; 0: never");
    visit("max_tokens", self.max_tokens,
          "tokens of one evaluation, shared evenly by the documents; 0: all");
    visit("lanes", self.lanes, "batch of an evaluation: documents side by side");
  }
};

/// A whole run.
struct RunConfig {
  ModelConfig model;
  DataConfig data;
  TrainConfig train;
  OptimizerConfig optimizer;
  EvaluationConfig evaluation;

  bool operator==(const RunConfig&) const = default;
  /// Calls visit(section_name, section) for every section in order.
  template <class Self, class Visit>
  static void for_each_section(Self& self, Visit&& visit) {
    visit("model", self.model);
    visit("data", self.data);
    visit("train", self.train);
    visit("optimizer", self.optimizer);
    visit("evaluation", self.evaluation);
  }
};

/// Reads a recipe. [model] may name `preset` and `size` (see presets.h), applied before its other
/// keys. `overrides` are "section.key=value" in TOML syntax (bare words count as strings), applied
/// last. The result is resolved (recurrent layers non-negative) and valid but for model.vocab_size,
/// which may still be 0.
/// @throws ConfigError that lists every problem at once: unknown sections and keys with the nearest
/// known one, wrong types, values out of range, settings at odds with each other.
RunConfig load_run_config(const std::filesystem::path& file,
                          const std::vector<std::string>& overrides);

/// The same from TOML text; `origin` stands for the file's name in messages.
RunConfig parse_run_config(const std::string& toml_text,
                           const std::string& origin,
                           const std::vector<std::string>& overrides);

/// Every problem of the settings (model_config_problems included), empty if there is none.
std::vector<std::string> run_config_problems(const RunConfig& config);

/// Every setting as TOML, in order of the structs, with its help as a comment; parse_run_config of
/// it gives the same config.
std::string run_config_to_toml(const RunConfig& config);

/// Whether a text has the form of run_config_to_toml, be it of another version with other keys.
bool is_run_config_text(const std::string& text);

/// Names ("train.lanes") and both values of the fields in which two configs differ.
struct FieldDifference {
  std::string name;
  std::string left;
  std::string right;
};
std::vector<FieldDifference> config_differences(const RunConfig& left, const RunConfig& right);

/// Reference text for --help: every key with default and help, one line each.
std::string run_config_help();

}  // namespace brt
