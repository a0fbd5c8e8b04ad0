// SPDX-License-Identifier: Apache-2.0
// What follows from the model's settings (shapes, counts, FLOPs), and whether they make sense.
#include "config/model_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"

namespace brt {
namespace {

// Far above any model that fits a machine, low enough that products of sizes stay within 64 bits.
constexpr int64_t kMaxWidth = int64_t{1} << 20;
constexpr int64_t kMaxTokens = int64_t{1} << 24;
constexpr int64_t kMaxLayers = int64_t{1} << 12;
constexpr int64_t kMaxVocabulary = int64_t{1} << 30;  // tokens are int32

int64_t gate_parameters(const ModelConfig& config, int64_t input_width) {
  switch (config.gate) {
    case GateType::kFixed:
      return config.width;  // bias
    case GateType::kLstm:
      return 2 * (config.width * input_width + config.width);  // input.*, forget.*
  }
  throw ConfigError("gate is neither fixed nor lstm");
}

int64_t cell_parameters(const ModelConfig& config) {
  const int64_t ffn_projections = 2 * config.width * config.ffn_width;
  const int64_t output_projection = config.width * joined_width(config);
  int64_t count = 2 * config.num_states * config.width       // initial_state, state_ids
                  + config.width                             // state_norm
                  + 4 * heads_width(config) * config.width;  // key, value, query, cross_query
  if (config.unit_attention) {
    count += 2 * config.num_heads;  // scale, cross_scale
  }
  switch (config.cell) {
    case CellType::kSkip:
      return count + output_projection + gate_parameters(config, joined_width(config));
    case CellType::kDual:
      return count + output_projection + gate_parameters(config, joined_width(config)) +
             config.width + ffn_projections + gate_parameters(config, config.ffn_width);
    case CellType::kSingle:
      return count + config.ffn_width * joined_width(config) + config.width * config.ffn_width +
             gate_parameters(config, config.ffn_width);
  }
  throw ConfigError("cell is neither dual, single nor skip");
}

int64_t layer_parameters(const ModelConfig& config, int64_t index) {
  const int64_t heads_projection = heads_width(config) * config.width;
  int64_t count = 2 * config.width                        // attention_norm, ffn_norm
                  + 4 * heads_projection                  // query, key, value, output
                  + 2 * config.width * config.ffn_width;  // ffn.up, ffn.down
  if (config.unit_attention) {
    count += config.num_heads;  // scale
  }
  if (config.position == PositionType::kT5) {
    count += config.num_heads * config.num_buckets;
  }
  if (attends_to_states(config, index)) {
    count += 2 * heads_projection;  // cross_query, wider output
    if (config.unit_attention) {
      count += config.num_heads;  // cross_scale
    }
  }
  if (is_recurrent_layer(config, index)) {
    count += cell_parameters(config);
  }
  return count;
}

/// Matrix products of the state's update after one block.
double cell_flops_per_block(const ModelConfig& config) {
  const double width = static_cast<double>(config.width);
  const double ffn_width = static_cast<double>(config.ffn_width);
  const double states = static_cast<double>(config.num_states);
  const double window = static_cast<double>(config.window);
  const double joined = static_cast<double>(joined_width(config));
  const double heads = joined / 2;

  double projections = 4 * width * heads;  // multiply-adds for one state vector
  switch (config.cell) {
    case CellType::kSkip:
      projections += joined * width;
      break;
    case CellType::kDual:
      projections += joined * width + 2 * width * ffn_width;
      break;
    case CellType::kSingle:
      projections += joined * ffn_width + ffn_width * width;
      break;
  }
  if (config.gate == GateType::kLstm) {
    projections += config.cell == CellType::kSingle ? 0.0 : 2 * joined * width;
    projections += config.cell == CellType::kSkip ? 0.0 : 2 * ffn_width * width;
  }
  const double self_attention = 4 * heads * states * states;
  const double cross_attention = 4 * heads * states * (2 * window);
  return 2 * projections * states + self_attention + cross_attention;
}

void check_range(std::vector<std::string>& problems,
                 const char* key,
                 int64_t value,
                 int64_t smallest,
                 int64_t largest) {
  if (value < smallest || value > largest) {
    problems.push_back(
        fmt::format("model.{}: must be between {} and {}, got {}", key, smallest, largest, value));
  }
}

void check_sizes(std::vector<std::string>& problems, const ModelConfig& config) {
  check_range(problems, "vocab_size", config.vocab_size, 1, kMaxVocabulary);
  check_range(problems, "num_layers", config.num_layers, 1, kMaxLayers);
  check_range(problems, "width", config.width, 1, kMaxWidth);
  check_range(problems, "num_heads", config.num_heads, 1, kMaxWidth);
  check_range(problems, "head_size", config.head_size, 1, kMaxWidth);
  check_range(problems, "ffn_width", config.ffn_width, 1, kMaxWidth);
  check_range(problems, "window", config.window, 1, kMaxTokens);
  check_range(problems, "segment", config.segment, 1, kMaxTokens);
  const bool recurrent = !config.recurrent_layers.empty();
  if (recurrent && config.num_states < 1) {
    problems.push_back(fmt::format(
        "model.num_states: must be at least 1 where recurrent_layers names a layer, got {}",
        config.num_states));
  } else {
    check_range(problems, "num_states", config.num_states, 0, kMaxWidth);
  }
  if (config.num_heads >= 1 && config.num_heads <= kMaxWidth && config.head_size >= 1 &&
      config.head_size <= kMaxWidth && config.num_heads * config.head_size > kMaxWidth) {
    problems.push_back(
        fmt::format("model.head_size: num_heads * head_size must be at most {}, got {} * {}",
                    kMaxWidth, config.num_heads, config.head_size));
  }
}

void check_segment(std::vector<std::string>& problems, const ModelConfig& config) {
  if (config.window >= 1 && config.segment >= 1 && config.segment % config.window != 0) {
    problems.push_back(
        fmt::format("model.segment: must be a multiple of window, but {} does not divide {}",
                    config.window, config.segment));
  }
}

void check_recurrence(std::vector<std::string>& problems, const ModelConfig& config) {
  int64_t previous = -1;
  for (int64_t layer : config.recurrent_layers) {
    if (layer < 0 || layer >= config.num_layers) {
      if (config.num_layers >= 1) {
        problems.push_back(
            fmt::format("model.recurrent_layers: there is no layer {}; the {} layers are 0 to {}, "
                        "or -{} to -1 from the top",
                        layer, config.num_layers, config.num_layers - 1, config.num_layers));
      }
    } else if (layer == previous) {
      problems.push_back(fmt::format("model.recurrent_layers: layer {} is named twice", layer));
    }
    previous = layer;
  }
  if (config.feedback && config.recurrent_layers.empty()) {
    problems.push_back(
        "model.feedback: block feedback attends to the state of a recurrent layer, but "
        "recurrent_layers "
        "is empty");
  }
}

void check_positions(std::vector<std::string>& problems, const ModelConfig& config) {
  if (config.position == PositionType::kRotary && config.head_size % 2 != 0) {
    problems.push_back(fmt::format(
        "model.head_size: rotary positions rotate pairs of features, so 2 must divide it, got {}",
        config.head_size));
  }
  if (config.position != PositionType::kT5) {
    return;
  }
  check_range(problems, "num_buckets", config.num_buckets, 2, kMaxWidth);
  check_range(problems, "max_distance", config.max_distance, 1, kMaxTokens);
  if (config.num_buckets % 2 != 0) {
    problems.push_back(
        fmt::format("model.num_buckets: half of the buckets hold one distance each, so 2 must "
                    "divide it, got {}",
                    config.num_buckets));
  }
  if (config.num_buckets >= 2 && config.max_distance >= 1 &&
      config.max_distance <= config.num_buckets / 2) {
    problems.push_back(
        fmt::format("model.max_distance: must be more than half of num_buckets ({} / 2), got {}",
                    config.num_buckets, config.max_distance));
  }
}

}  // namespace

bool is_recurrent_layer(const ModelConfig& config, int64_t index) {
  return std::ranges::find(config.recurrent_layers, index) != config.recurrent_layers.end();
}

int64_t topmost_recurrent_layer(const ModelConfig& config) {
  return config.recurrent_layers.empty() ? -1 : std::ranges::max(config.recurrent_layers);
}

bool attends_to_states(const ModelConfig& config, int64_t index) {
  return config.feedback || is_recurrent_layer(config, index);
}

int64_t heads_width(const ModelConfig& config) { return config.num_heads * config.head_size; }

int64_t joined_width(const ModelConfig& config) { return 2 * heads_width(config); }

int64_t count_parameters(const ModelConfig& config) {
  int64_t count = config.vocab_size * config.width + config.width;  // embedding, final_norm
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    count += layer_parameters(config, layer);
  }
  return count;
}

double forward_flops_per_token(const ModelConfig& config) {
  const double width = static_cast<double>(config.width);
  const double ffn_width = static_cast<double>(config.ffn_width);
  const double heads = static_cast<double>(heads_width(config));
  const double window = static_cast<double>(config.window);
  const double states = static_cast<double>(config.num_states);

  double flops = 2 * width * static_cast<double>(config.vocab_size);  // logits
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    flops += 2 * (4 * width * heads + 2 * width * ffn_width) + 4 * heads * window;
    if (attends_to_states(config, layer)) {
      flops += 4 * width * heads + 4 * heads * states;  // second queries, wider output; attention
    }
    if (is_recurrent_layer(config, layer)) {
      flops += cell_flops_per_block(config) / window;
    }
  }
  return flops;
}

ModelConfig resolve_model_config(ModelConfig config) {
  for (int64_t& layer : config.recurrent_layers) {
    if (layer < 0 && layer >= -config.num_layers) {
      layer += config.num_layers;
    }
  }
  std::ranges::sort(config.recurrent_layers);
  return config;
}

std::vector<std::string> model_config_problems(const ModelConfig& config) {
  const ModelConfig resolved = resolve_model_config(config);
  std::vector<std::string> problems;
  check_sizes(problems, resolved);
  check_segment(problems, resolved);
  check_recurrence(problems, resolved);
  check_positions(problems, resolved);
  return problems;
}

}  // namespace brt
