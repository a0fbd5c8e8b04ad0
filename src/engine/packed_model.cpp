// SPDX-License-Identifier: Apache-2.0
// Reading a model folder's weights (model.md, "Checkpoint names") and packing them.
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
#include "config/position_bucket.h"
#include "engine/tensor_reader.h"
#include "kernels/int8_panels.h"
#include "safetensors/model_hash.h"
#include "safetensors/size_check.h"
#include "safetensors/weight_files.h"

namespace brt {
namespace {

constexpr const char* kConfigName = "config.json";
constexpr const char* kEmbeddingName = "embedding.weight";

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

/// Reads the weights of one layer.
class LayerReader {
 public:
  LayerReader(const ModelConfig& config, WeightFormat format, int64_t index, TensorReader& tensors)
      : config_(config),
        format_(format),
        index_(index),
        prefix_(fmt::format("layers.{}.", index)),
        tensors_(tensors),
        heads_width_(config.num_heads * config.head_size) {}

  LayerWeights read() {
    LayerWeights layer;
    layer.reads_states = reads_states(config_, index_);
    layer.attention_norm_D = vector("attention_norm.weight", config_.width);
    std::vector<WeightMatrix::Source> sources;
    for (const char* name : {"key", "value", "query"}) {
      sources.push_back(
          source(fmt::format("attention.{}.weight", name), heads_width_, config_.width));
    }
    if (layer.reads_states) {
      sources.push_back(source("attention.cross_query.weight", heads_width_, config_.width));
      layer.cross_scale_H = scale("attention.cross_scale");
    }
    layer.qkv = WeightMatrix(format_, config_.width, sources);
    layer.scale_H = scale("attention.scale");
    if (config_.position == PositionType::kT5) {
      layer.bias_HW = position_bias();
    }
    const int64_t joined = (layer.reads_states ? 2 : 1) * heads_width_;
    layer.output = matrix("attention.output.weight", config_.width, joined);
    layer.ffn_norm_D = vector("ffn_norm.weight", config_.width);
    layer.up = matrix("ffn.up.weight", config_.ffn_width, config_.width);
    layer.down = matrix("ffn.down.weight", config_.width, config_.ffn_width);
    if (is_recurrent_layer(config_, index_)) {
      prefix_ += "cell.";
      layer.cell = read_cell();
    }
    return layer;
  }

 private:
  const ModelConfig& config_;
  WeightFormat format_;
  int64_t index_;
  std::string prefix_;
  TensorReader& tensors_;
  int64_t heads_width_;  ///< H*K

  std::vector<float> vector(const std::string& name, int64_t size) {
    return tensors_.copy(prefix_ + name, {size});
  }
  WeightMatrix::Source source(const std::string& name, int64_t columns, int64_t depth) {
    return {tensors_.read(prefix_ + name, {columns, depth}), columns, depth};
  }
  WeightMatrix matrix(const std::string& name, int64_t columns, int64_t depth) {
    return WeightMatrix(format_, depth, {source(name, columns, depth)});
  }

  /// The scales' absolute values: the sign has no meaning.
  std::vector<float> scale(const std::string& name) {
    if (!config_.unit_attention) {
      return std::vector<float>(static_cast<size_t>(config_.num_heads), 1.0F);
    }
    std::vector<float> scale_H = vector(name, config_.num_heads);
    for (float& value : scale_H) {
      value = std::abs(value);
    }
    return scale_H;
  }

  /// bias[h, w] of the key that stands at index w of the W visible ones: at distance W - w.
  std::vector<float> position_bias() {
    const std::vector<float> table_HU = tensors_.copy(prefix_ + "attention.position_bias",
                                                      {config_.num_heads, config_.num_buckets});
    std::vector<float> bias_HW;
    for (int64_t head = 0; head < config_.num_heads && !table_HU.empty(); ++head) {
      for (int64_t index = 0; index < config_.window; ++index) {
        const int64_t bucket =
            position_bucket(config_.window - index, config_.num_buckets, config_.max_distance);
        bias_HW.push_back(table_HU[static_cast<size_t>(head * config_.num_buckets + bucket)]);
      }
    }
    return bias_HW;
  }

  CellWeights read_cell() {
    CellWeights cell;
    const std::vector<int64_t> state_shape = {config_.num_states, config_.width};
    cell.initial_state_SD = tensors_.copy(prefix_ + "initial_state", state_shape);
    cell.state_ids_SD = tensors_.copy(prefix_ + "state_ids", state_shape);
    cell.state_norm_D = vector("state_norm.weight", config_.width);
    cell.scale_H = scale("scale");
    cell.cross_scale_H = scale("cross_scale");
    const int64_t width = config_.width;
    cell.keys_values = WeightMatrix(
        format_, width,
        {source("key.weight", heads_width_, width), source("value.weight", heads_width_, width)});
    cell.queries = WeightMatrix(format_, width,
                                {source("query.weight", heads_width_, width),
                                 source("cross_query.weight", heads_width_, width)});
    read_maps(cell);
    return cell;
  }

  void read_maps(CellWeights& cell) {
    const int64_t joined = 2 * heads_width_;
    const bool is_single = config_.cell == CellType::kSingle;
    std::vector<WeightMatrix::Source> readers;
    if (is_single) {
      readers.push_back(source("ffn.up.weight", config_.ffn_width, joined));
    } else {
      readers.push_back(source("output.weight", config_.width, joined));
      cell.gate = read_gate("gate.", joined, readers);
    }
    std::vector<WeightMatrix::Source> of_tokens = readers;
    for (WeightMatrix::Source& part : of_tokens) {
      part.weight = part.weight == nullptr ? nullptr : part.weight + heads_width_;
    }
    cell.state_projection = WeightMatrix(format_, heads_width_, readers);
    cell.token_projection = WeightMatrix(format_, heads_width_, of_tokens);
    if (config_.cell == CellType::kSkip) {
      return;
    }
    if (config_.cell == CellType::kDual) {
      cell.ffn_norm_D = vector("ffn_norm.weight", config_.width);
      cell.up = matrix("ffn.up.weight", config_.ffn_width, config_.width);
    }
    std::vector<WeightMatrix::Source> hidden_readers = {
        source("ffn.down.weight", config_.width, config_.ffn_width)};
    GateWeights& gate = is_single ? cell.gate : cell.ffn_gate;
    gate = read_gate(is_single ? "gate." : "ffn_gate.", config_.ffn_width, hidden_readers);
    cell.down = WeightMatrix(format_, config_.ffn_width, hidden_readers);
  }

  /// A lstm gate's maps are appended to `readers`, Wi first.
  GateWeights read_gate(const std::string& name,
                        int64_t depth,
                        std::vector<WeightMatrix::Source>& readers) {
    GateWeights gate;
    if (config_.gate == GateType::kFixed) {
      gate.keep_D = vector(name + "bias", config_.width);
      for (float& keep : gate.keep_D) {
        keep = 1.0F / (1.0F + std::exp(-keep));
      }
      return gate;
    }
    readers.push_back(source(name + "input.weight", config_.width, depth));
    readers.push_back(source(name + "forget.weight", config_.width, depth));
    gate.input_bias_D = vector(name + "input.bias", config_.width);
    gate.forget_bias_D = vector(name + "forget.bias", config_.width);
    return gate;
  }
};

}  // namespace

PackedModel::PackedModel(const std::filesystem::path& folder, WeightFormat format, ThreadTeam& team)
    : config_(read_config(folder)), format_(format), file_(find_weight_files(folder)) {
  check_size();
  const int64_t deepest = std::max({config_.width, config_.ffn_width, joined_width(config_)});
  if (format == WeightFormat::kInt8 && deepest > kernels::kMaxInt8Depth) {
    throw ConfigError(fmt::format("int8 weights: rows of at most {} numbers, the model has {}",
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
    layers_.push_back(LayerReader(config_, format_, i, tensors).read());
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
