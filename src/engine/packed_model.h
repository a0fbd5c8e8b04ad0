// SPDX-License-Identifier: Apache-2.0
// A model's weights as the engine reads them: matrices packed for products, all else float32.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "engine/aligned_buffer.h"
#include "engine/thread_team.h"
#include "engine/weight_matrix.h"
#include "safetensors/mapped_safetensors.h"

namespace brt {

/// model.md, "Gates". Maps of the gate's input are parts of the matrices that read it.
struct GateWeights {
  std::vector<float> keep_D;         ///< fixed: sigmoid(b_g)
  std::vector<float> input_bias_D;   ///< lstm: b_i
  std::vector<float> forget_bias_D;  ///< lstm: b_f
};

/// The recurrent cell (model.md, "The recurrent layer" and "Configurations").
struct CellWeights {
  std::vector<float> initial_state_SD;
  std::vector<float> state_ids_SD;
  std::vector<float> state_norm_D;
  std::vector<float> scale_H;        ///< |b|, states over states
  std::vector<float> cross_scale_H;  ///< |b2|, states over tokens
  WeightMatrix keys_values;          ///< Wk', Wv'
  WeightMatrix queries;              ///< Wq', Wq2'
  /// What reads [rs ; re], cut into the columns for rs and those for re. dual, skip: Wo' and of a
  /// lstm gate Wi, Wf; single: W1'.
  WeightMatrix state_projection;
  WeightMatrix token_projection;
  GateWeights gate;
  std::vector<float> ffn_norm_D;  ///< dual
  WeightMatrix up;                ///< dual: W1'
  WeightMatrix down;              ///< dual, single: W2' and of a lstm gate Wi, Wf
  GateWeights ffn_gate;           ///< dual
};

struct LayerWeights {
  std::vector<float> attention_norm_D;
  WeightMatrix qkv;            ///< Wk, Wv, Wq and, where states are read, Wq2
  std::vector<float> scale_H;  ///< |a|; 1 without unit_attention
  std::vector<float> bias_HW;  ///< t5: by the key's index among the W visible ones, else empty
  std::vector<float> cross_scale_H;  ///< |a2|, where states are read
  WeightMatrix output;               ///< Wo
  std::vector<float> ffn_norm_D;
  WeightMatrix up;    ///< W1
  WeightMatrix down;  ///< W2
  bool reads_states = false;
  std::optional<CellWeights> cell;
};

/// Immutable once made.
class PackedModel {
 public:
  /// @throws CheckpointError naming all tensors that are missing, misshapen or surplus, or the
  /// first that holds a number that is not finite
  PackedModel(const std::filesystem::path& folder, WeightFormat format, ThreadTeam& team);

  const ModelConfig& config() const { return config_; }
  WeightFormat format() const { return format_; }
  uint64_t fingerprint() const { return fingerprint_; }
  const LayerWeights& layer(int64_t index) const { return layers_[static_cast<size_t>(index)]; }
  /// [V, D], in the mapped file where that is float32.
  std::span<const float> embedding() const { return embedding_VD_; }
  const std::vector<float>& final_norm() const { return final_norm_D_; }
  const WeightMatrix& logits() const { return logits_; }  ///< E
  int64_t bytes_per_token() const;
  /// @throws DataError if another program wrote over the file that embedding() may lie in.
  void check_unchanged() const { file_.check_unchanged(); }

 private:
  ModelConfig config_;
  WeightFormat format_;
  MappedSafetensors file_;
  uint64_t fingerprint_ = 0;
  std::vector<LayerWeights> layers_;
  std::span<const float> embedding_VD_;
  std::vector<float> final_norm_D_;
  WeightMatrix logits_;
  AlignedBuffer memory_;

  void check_size() const;
  void read();
  void pack(ThreadTeam& team);
  void check_finite(const std::string& name, std::span<const float> values, ThreadTeam& team) const;
  std::vector<WeightMatrix*> matrices();
};

}  // namespace brt
