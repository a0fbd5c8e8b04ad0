// SPDX-License-Identifier: Apache-2.0
// A model's weights as the engine reads them: matrices packed for products, all else float32.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "engine/aligned_buffer.h"
#include "engine/layer_weights.h"
#include "engine/thread_team.h"
#include "engine/weight_matrix.h"
#include "safetensors/mapped_safetensors.h"

namespace brt {

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
  AlignedBuffer memory_;  ///< of all matrices

  void check_size() const;
  void read();
  void pack(ThreadTeam& team);
  void check_finite(const std::string& name, std::span<const float> values, ThreadTeam& team) const;
  std::vector<WeightMatrix*> matrices();
};

}  // namespace brt
