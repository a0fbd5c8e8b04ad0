// SPDX-License-Identifier: Apache-2.0
// The whole model once more, in plain loops over std::vector<double> and without LibTorch: an
// independent program that reads one document, block by block, as model.md writes it down.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/model_config.h"

namespace brt {

/// Rows of numbers.
struct SlowMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<double> values = {};

  SlowMatrix() = default;
  SlowMatrix(int64_t num_rows, int64_t num_columns)
      : rows(num_rows),
        columns(num_columns),
        values(static_cast<size_t>(num_rows * num_columns), 0.0) {}

  double& at(int64_t row, int64_t column) {
    return values[static_cast<size_t>(row * columns + column)];
  }
  double at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * columns + column)];
  }
};

/// Reads one document from its start. Every matrix holds one vector a row, heads joined.
class SlowModel {
 public:
  using Parameters = std::map<std::string, std::vector<double>>;

  struct Heads {
    SlowMatrix keys, values, query, cross_query;
  };

  SlowModel(const ModelConfig& config, Parameters parameters)
      : config_(config), parameters_(std::move(parameters)), layers_(count(config.num_layers)) {
    const int64_t heads_width = config.num_heads * config.head_size;
    for (int64_t i = 0; i < config.num_layers; ++i) {
      layers_[count(i)].keys = SlowMatrix(config.window, heads_width);
      layers_[count(i)].values = SlowMatrix(config.window, heads_width);
      if (is_recurrent(i)) {
        layers_[count(i)].state =
            matrix("layers." + std::to_string(i) + ".cell.initial_state", config.width);
      }
    }
  }

  /// Logits after each token, one row a token. Only the last call may end within a block.
  SlowMatrix logits(const std::vector<int64_t>& tokens) {
    const int64_t total = static_cast<int64_t>(tokens.size());
    SlowMatrix logits(total, config_.vocab_size);
    for (int64_t begin = 0; begin < total; begin += config_.window) {
      const int64_t rows = std::min(config_.window, total - begin);
      const SlowMatrix hidden = read_block({tokens.begin() + begin, tokens.begin() + begin + rows});
      const std::vector<double>& table = parameters_.at("embedding.weight");
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t v = 0; v < config_.vocab_size; ++v) {
          double sum = 0.0;
          for (int64_t d = 0; d < config_.width; ++d) {
            sum += hidden.at(row, d) * table[count(v * config_.width + d)];
          }
          logits.at(begin + row, v) = sum / std::sqrt(static_cast<double>(config_.width));
        }
      }
    }
    return logits;
  }

  /// The recurrent state of a layer after what was read.
  const SlowMatrix& state(int64_t layer) const { return layers_[count(layer)].state; }

  /// Ks, Vs, qs, qe of a state.
  Heads read_state(int64_t layer, const SlowMatrix& state) const {
    const std::string cell = "layers." + std::to_string(layer) + ".cell.";
    SlowMatrix named = rms_norm(state, cell + "state_norm.weight");
    const std::vector<double>& ids = parameters_.at(cell + "state_ids");
    for (size_t i = 0; i < named.values.size(); ++i) {
      named.values[i] += ids[i];
    }
    return {unit(linear(named, cell + "key.weight")), linear(named, cell + "value.weight"),
            as_query(linear(named, cell + "query.weight")),
            as_query(linear(named, cell + "cross_query.weight"))};
  }

  /// The state after a block, whose window has these 2W keys; the first `hidden` of them are not
  /// seen.
  SlowMatrix next_state(int64_t layer,
                        const SlowMatrix& state,
                        const SlowMatrix& keys,
                        const SlowMatrix& values,
                        int64_t hidden) const {
    const std::string cell = "layers." + std::to_string(layer) + ".cell.";
    const Heads heads = read_state(layer, state);
    const SlowMatrix state_attention =
        attend(heads.query, heads.keys, heads.values, cell + "scale", {});
    const SlowMatrix token_attention =
        attend(heads.cross_query, keys, values, cell + "cross_scale",
               [hidden](int64_t, int64_t j, int64_t) -> std::optional<double> {
                 return j < hidden ? std::nullopt : std::optional<double>(0.0);
               });
    const SlowMatrix joined = join(state_attention, token_attention);
    if (config_.cell == CellType::kSingle) {
      const SlowMatrix hidden_row = map(linear(joined, cell + "ffn.up.weight"), relu);
      const SlowMatrix candidate = map(linear(hidden_row, cell + "ffn.down.weight"), tanh_of);
      return gate(cell + "gate.", state, candidate, hidden_row, /*squash=*/false);
    }
    const bool squash = config_.candidate_tanh && config_.gate == GateType::kLstm;
    const SlowMatrix first =
        gate(cell + "gate.", state, linear(joined, cell + "output.weight"), joined, squash);
    if (config_.cell == CellType::kSkip) {
      return first;
    }
    const SlowMatrix up =
        map(linear(rms_norm(first, cell + "ffn_norm.weight"), cell + "ffn.up.weight"), relu);
    return gate(cell + "ffn_gate.", first, linear(up, cell + "ffn.down.weight"), up, squash);
  }

 private:
  struct Layer {
    SlowMatrix keys, values, state;
  };
  /// What is added to the product of query i and key j in a head; nothing if j is hidden from i.
  using Bias = std::function<std::optional<double>(int64_t i, int64_t j, int64_t head)>;

  ModelConfig config_;
  Parameters parameters_;
  std::vector<Layer> layers_;
  bool first_block_ = true;

  static size_t count(int64_t value) { return static_cast<size_t>(value); }
  static double relu(double x) { return x > 0.0 ? x : 0.0; }
  static double tanh_of(double x) { return std::tanh(x); }
  static double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

  bool is_recurrent(int64_t layer) const {
    for (const int64_t recurrent : config_.recurrent_layers) {
      if (recurrent == layer) {
        return true;
      }
    }
    return false;
  }

  SlowMatrix matrix(const std::string& name, int64_t columns) const {
    const std::vector<double>& values = parameters_.at(name);
    SlowMatrix found(static_cast<int64_t>(values.size()) / columns, columns);
    found.values = values;
    return found;
  }

  static SlowMatrix map(SlowMatrix x, double (*change)(double)) {
    for (double& value : x.values) {
      value = change(value);
    }
    return x;
  }

  static SlowMatrix join(const SlowMatrix& left, const SlowMatrix& right) {
    SlowMatrix joined(left.rows, left.columns + right.columns);
    for (int64_t row = 0; row < left.rows; ++row) {
      for (int64_t c = 0; c < left.columns; ++c) {
        joined.at(row, c) = left.at(row, c);
      }
      for (int64_t c = 0; c < right.columns; ++c) {
        joined.at(row, left.columns + c) = right.at(row, c);
      }
    }
    return joined;
  }

  static SlowMatrix rows_after_each_other(const SlowMatrix& above, const SlowMatrix& below) {
    SlowMatrix stacked(above.rows + below.rows, above.columns);
    std::copy(above.values.begin(), above.values.end(), stacked.values.begin());
    std::copy(below.values.begin(), below.values.end(),
              stacked.values.begin() + static_cast<int64_t>(above.values.size()));
    return stacked;
  }

  static SlowMatrix last_rows(const SlowMatrix& x, int64_t rows) {
    SlowMatrix last(rows, x.columns);
    std::copy(x.values.end() - static_cast<int64_t>(last.values.size()), x.values.end(),
              last.values.begin());
    return last;
  }

  SlowMatrix rms_norm(const SlowMatrix& x, const std::string& gain_name) const {
    const std::vector<double>& gain = parameters_.at(gain_name);
    SlowMatrix y(x.rows, x.columns);
    for (int64_t row = 0; row < x.rows; ++row) {
      double squares = 0.0;
      for (int64_t d = 0; d < x.columns; ++d) {
        squares += x.at(row, d) * x.at(row, d);
      }
      const double root = std::sqrt(squares / static_cast<double>(x.columns) + 1e-6);
      for (int64_t d = 0; d < x.columns; ++d) {
        y.at(row, d) = x.at(row, d) / root * gain[count(d)];
      }
    }
    return y;
  }

  SlowMatrix linear(const SlowMatrix& x, const std::string& weight_name) const {
    const SlowMatrix weight = matrix(weight_name, x.columns);
    SlowMatrix y(x.rows, weight.rows);
    for (int64_t row = 0; row < x.rows; ++row) {
      for (int64_t out = 0; out < weight.rows; ++out) {
        for (int64_t in = 0; in < x.columns; ++in) {
          y.at(row, out) += x.at(row, in) * weight.at(out, in);
        }
      }
    }
    return y;
  }

  SlowMatrix unit(SlowMatrix x) const {
    if (!config_.unit_attention) {
      return x;
    }
    for (int64_t row = 0; row < x.rows; ++row) {
      for (int64_t h = 0; h < config_.num_heads; ++h) {
        double squares = 0.0;
        for (int64_t k = 0; k < config_.head_size; ++k) {
          squares += std::pow(x.at(row, h * config_.head_size + k), 2);
        }
        for (int64_t k = 0; k < config_.head_size; ++k) {
          x.at(row, h * config_.head_size + k) /= std::sqrt(squares + 1e-6);
        }
      }
    }
    return x;
  }

  SlowMatrix as_query(SlowMatrix x) const {
    if (config_.unit_attention) {
      return unit(std::move(x));
    }
    for (double& value : x.values) {
      value /= std::sqrt(static_cast<double>(config_.head_size));
    }
    return x;
  }

  /// Rotates every head vector of row r as that of position first + r.
  SlowMatrix rotated(SlowMatrix x, int64_t first) const {
    const int64_t half = config_.head_size / 2;
    for (int64_t row = 0; row < x.rows; ++row) {
      for (int64_t h = 0; h < config_.num_heads; ++h) {
        for (int64_t j = 0; j < half; ++j) {
          const double power = static_cast<double>(j) / static_cast<double>(half);
          const double angle =
              std::numbers::pi * static_cast<double>(first + row) / std::pow(10000.0, power);
          double& a = x.at(row, h * config_.head_size + j);
          double& b = x.at(row, h * config_.head_size + half + j);
          const double rotated_a = a * std::cos(angle) - b * std::sin(angle);
          b = a * std::sin(angle) + b * std::cos(angle);
          a = rotated_a;
        }
      }
    }
    return x;
  }

  SlowMatrix attend(const SlowMatrix& query,
                    const SlowMatrix& keys,
                    const SlowMatrix& values,
                    const std::string& scale_name,
                    const Bias& bias) const {
    SlowMatrix out(query.rows, query.columns);
    for (int64_t h = 0; h < config_.num_heads; ++h) {
      const double scale =
          config_.unit_attention ? std::abs(parameters_.at(scale_name)[count(h)]) : 1.0;
      for (int64_t i = 0; i < query.rows; ++i) {
        double sum = std::exp(-1000.0);
        for (int64_t j = 0; j < keys.rows; ++j) {
          const std::optional<double> added = bias ? bias(i, j, h) : 0.0;
          if (!added) {
            continue;
          }
          double product = *added;
          for (int64_t k = h * config_.head_size; k < (h + 1) * config_.head_size; ++k) {
            product += query.at(i, k) * keys.at(j, k);
          }
          const double weight = std::exp(product * scale);
          sum += weight;
          for (int64_t k = h * config_.head_size; k < (h + 1) * config_.head_size; ++k) {
            out.at(i, k) += weight * values.at(j, k);
          }
        }
        for (int64_t k = h * config_.head_size; k < (h + 1) * config_.head_size; ++k) {
          out.at(i, k) = sum > 0.0 ? out.at(i, k) / sum : 0.0;
        }
      }
    }
    return out;
  }

  int64_t bucket(int64_t distance) const {
    const double half = static_cast<double>(config_.num_buckets) / 2.0;
    const double n = static_cast<double>(distance);
    if (n < half) {
      return distance;
    }
    const double steps =
        std::log(n / half) / std::log(static_cast<double>(config_.max_distance) / half) * half;
    return std::min(static_cast<int64_t>(half + std::floor(steps)), config_.num_buckets - 1);
  }

  /// Tokens over tokens: `keys` are the W of the cache and those of the block's tokens.
  SlowMatrix self_attention(const std::string& attention,
                            const SlowMatrix& query,
                            const SlowMatrix& keys,
                            const SlowMatrix& values) const {
    const Bias bias = [&](int64_t i, int64_t j, int64_t h) -> std::optional<double> {
      const int64_t distance = config_.window + i - j;
      const bool empty = config_.mask_empty_cache && first_block_ && j < config_.window;
      if (distance < 1 || distance > config_.window || empty) {
        return std::nullopt;
      }
      if (config_.position != PositionType::kT5) {
        return 0.0;
      }
      return parameters_.at(attention +
                            "position_bias")[count(h * config_.num_buckets + bucket(distance))];
    };
    if (config_.position == PositionType::kRotary) {
      return attend(rotated(query, 0), rotated(keys, -config_.window), values, attention + "scale",
                    bias);
    }
    return attend(query, keys, values, attention + "scale", bias);
  }

  SlowMatrix gate(const std::string& name,
                  const SlowMatrix& state,
                  const SlowMatrix& candidate,
                  const SlowMatrix& source,
                  bool squash) const {
    SlowMatrix next(state.rows, state.columns);
    SlowMatrix input, forget;
    if (config_.gate == GateType::kLstm) {
      input = linear(source, name + "input.weight");
      forget = linear(source, name + "forget.weight");
    }
    for (int64_t row = 0; row < state.rows; ++row) {
      for (int64_t d = 0; d < state.columns; ++d) {
        const double c = state.at(row, d);
        const double z = squash ? std::tanh(candidate.at(row, d)) : candidate.at(row, d);
        if (config_.gate == GateType::kFixed) {
          const double keep = sigmoid(parameters_.at(name + "bias")[count(d)]);
          next.at(row, d) = c * keep + z * (1.0 - keep);
        } else {
          const double write =
              sigmoid(input.at(row, d) + parameters_.at(name + "input.bias")[count(d)] - 1.0);
          const double keep =
              sigmoid(forget.at(row, d) + parameters_.at(name + "forget.bias")[count(d)] + 1.0);
          next.at(row, d) = c * keep + z * write;
        }
      }
    }
    return next;
  }

  /// One layer over one block; moves its cache, and its state if the block is whole.
  SlowMatrix read_layer(int64_t index, SlowMatrix x, const Heads& topmost) {
    const std::string name = "layers." + std::to_string(index) + ".";
    Layer& layer = layers_[count(index)];
    const SlowMatrix h = rms_norm(x, name + "attention_norm.weight");
    const SlowMatrix keys =
        rows_after_each_other(layer.keys, unit(linear(h, name + "attention.key.weight")));
    const SlowMatrix values =
        rows_after_each_other(layer.values, linear(h, name + "attention.value.weight"));
    SlowMatrix read = self_attention(
        name + "attention.", as_query(linear(h, name + "attention.query.weight")), keys, values);
    if (is_recurrent(index) || config_.feedback) {
      const Heads heads = is_recurrent(index) ? read_state(index, layer.state) : topmost;
      const SlowMatrix cross_query = as_query(linear(h, name + "attention.cross_query.weight"));
      read = join(
          read, attend(cross_query, heads.keys, heads.values, name + "attention.cross_scale", {}));
    }
    add(x, linear(read, name + "attention.output.weight"));
    const SlowMatrix up = linear(rms_norm(x, name + "ffn_norm.weight"), name + "ffn.up.weight");
    add(x, linear(map(up, relu), name + "ffn.down.weight"));
    if (h.rows == config_.window) {
      if (is_recurrent(index)) {
        const int64_t hidden = config_.mask_empty_cache && first_block_ ? config_.window : 0;
        layer.state = next_state(index, layer.state, keys, values, hidden);
      }
      layer.keys = last_rows(keys, config_.window);
      layer.values = last_rows(values, config_.window);
    }
    return x;
  }

  static void add(SlowMatrix& x, const SlowMatrix& y) {
    for (size_t i = 0; i < x.values.size(); ++i) {
      x.values[i] += y.values[i];
    }
  }

  SlowMatrix read_block(const std::vector<int64_t>& tokens) {
    const SlowMatrix table = matrix("embedding.weight", config_.width);
    SlowMatrix x(static_cast<int64_t>(tokens.size()), config_.width);
    for (int64_t row = 0; row < x.rows; ++row) {
      for (int64_t d = 0; d < config_.width; ++d) {
        x.at(row, d) = table.at(tokens[count(row)], d);
      }
    }
    Heads topmost;
    if (config_.feedback) {
      int64_t top = 0;
      for (const int64_t recurrent : config_.recurrent_layers) {
        top = std::max(top, recurrent);
      }
      topmost = read_state(top, layers_[count(top)].state);
    }
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      x = read_layer(i, x, topmost);
    }
    first_block_ = false;
    return rms_norm(x, "final_norm.weight");
  }
};

}  // namespace brt
