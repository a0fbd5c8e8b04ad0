// SPDX-License-Identifier: Apache-2.0
// Reading a model folder's weights and packing them.
#include "engine/packed_model.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/tensor_reader.h"
#include "kernels/int8_panels.h"
#include "safetensors/model_hash.h"
#include "safetensors/size_check.h"
#include "safetensors/tensor_misfits.h"
#include "safetensors/weight_files.h"

namespace brt {
namespace {

constexpr const char* kConfigName = "config.json";

ModelConfig read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kConfigName;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw CheckpointError(fmt::format("{}: has no {}", folder.string(), kConfigName),
                          "a model folder holds config.json and model.safetensors");
  }
  return read_model_config(path);
}

/// Without a branch a number, so that the loop takes many at a time.
bool all_finite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7F800000;  // all of whose bits are set in NaN and infinity
  uint32_t found = 0;
  for (const float value : values) {
    found |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  }
  return found == 0;
}

}  // namespace

PackedModel::PackedModel(const std::filesystem::path& folder, WeightFormat format, ThreadTeam& team)
    : config_(read_config(folder)), format_(format), file_(find_weight_files(folder)) {
  check_size();
  const int64_t deepest = std::max({config_.width, config_.ffn_width, joined_width(config_)});
  if (format == WeightFormat::kInt8 && deepest > kernels::kMaxInt8Depth) {
    throw ConfigError(fmt::format("int8 weights need rows of at most {} numbers; the model has {}",
                                  kernels::kMaxInt8Depth, deepest),
                      "use bf16 weights");
  }
  read();
  pack(team);
  ModelHash hash(config_);
  for (const auto& [name, entry] : file_.entries()) {
    const std::span<const float> values = file_.floats(name);
    check_finite(name, values, team);
    hash.add(name, "F32", entry.shape, values.data(), values.size_bytes());
    if (name != kEmbeddingName) {
      file_.forget(name);
    }
  }
  fingerprint_ = hash.digest();
  file_.check_unchanged();
}

void PackedModel::read() {
  TensorReader tensors(file_);
  const int64_t size = config_.vocab_size * config_.width;
  const float* embedding = tensors.read(kEmbeddingName, {config_.vocab_size, config_.width});
  embedding_VD_ = {embedding, embedding == nullptr ? 0 : static_cast<size_t>(size)};
  final_norm_D_ = tensors.copy("final_norm.weight", {config_.width});
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    layers_.push_back(read_layer(config_, format_, i, tensors));
  }
  tensors.finish();
  logits_ = WeightMatrix(format_, config_.width, {{embedding, config_.vocab_size, config_.width}});
}

void PackedModel::check_size() const {
  int64_t held = 0;
  for (const auto& [name, entry] : file_.entries()) {
    held += elements_of(entry.shape);
  }
  check_model_size(config_, file_.path(), held, ReadingForm::kStream);
}

/// One NaN makes every result NaN, by way of the state those of all later tokens too.
void PackedModel::check_finite(const std::string& name,
                               std::span<const float> values,
                               ThreadTeam& team) const {
  std::atomic<bool> is_finite = true;
  team.run([&](int64_t thread) {
    const Range part = team.part(static_cast<int64_t>(values.size()), thread);
    if (!all_finite(values.subspan(static_cast<size_t>(part.begin),
                                   static_cast<size_t>(part.end - part.begin)))) {
      is_finite = false;
    }
  });
  if (!is_finite) {
    throw_not_finite(file_.path().string(), name);
  }
}

/// In the order in which a token's step reads them.
std::vector<WeightMatrix*> PackedModel::matrices() {
  std::vector<WeightMatrix*> all;
  for (LayerWeights& layer : layers_) {
    for (WeightMatrix* matrix : {&layer.qkv, &layer.output, &layer.up, &layer.down}) {
      all.push_back(matrix);
    }
  }
  all.push_back(&logits_);
  for (LayerWeights& layer : layers_) {
    if (layer.cell) {
      CellWeights& cell = *layer.cell;
      for (WeightMatrix* matrix : {&cell.keys_values, &cell.queries, &cell.state_projection,
                                   &cell.token_projection, &cell.up, &cell.down}) {
        all.push_back(matrix);
      }
    }
  }
  return all;
}

void PackedModel::pack(ThreadTeam& team) {
  const std::vector<WeightMatrix*> all = matrices();
  int64_t bytes = 0;
  for (const WeightMatrix* matrix : all) {
    bytes += matrix->bytes();
  }
  memory_ = AlignedBuffer(bytes);
  int64_t offset = 0;
  for (WeightMatrix* matrix : all) {
    matrix->set_memory(memory_.at<std::byte>(offset));
    offset += matrix->bytes();
  }
  team.run([&](int64_t thread) {
    for (WeightMatrix* matrix : all) {
      const Range panels = team.part(matrix->num_panels(), thread);
      matrix->pack(panels.begin, panels.end);
    }
  });
}

int64_t PackedModel::bytes_per_token() const {
  int64_t bytes = logits_.bytes();
  for (const LayerWeights& layer : layers_) {
    bytes += layer.qkv.bytes() + layer.output.bytes() + layer.up.bytes() + layer.down.bytes();
  }
  return bytes;
}

}  // namespace brt
