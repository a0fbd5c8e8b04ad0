// SPDX-License-Identifier: Apache-2.0
// A model in plain loops of float64, one token at a time: docs/model.md as it stands.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "config/position_bucket.h"
#include "safetensors/mapped_safetensors.h"

namespace brt {

using PlainVector = std::vector<double>;
using PlainRows = std::vector<PlainVector>;

/// The tensors of a model folder.
class PlainWeights {
 public:
  explicit PlainWeights(const std::filesystem::path& folder)
      : file_(folder / "model.safetensors") {}

  PlainVector vector(const std::string& name) const {
    const std::vector<float> values = file_.values<float>(name);
    return {values.begin(), values.end()};
  }
  PlainRows rows(const std::string& name) const {
    const PlainVector values = vector(name);
    const int64_t width = file_.entries().at(name).shape[1];
    PlainRows rows;
    for (auto row = values.begin(); row != values.end(); row += width) {
      rows.emplace_back(row, row + width);
    }
    return rows;
  }
  bool has(const std::string& name) const { return file_.entries().contains(name); }

 private:
  MappedSafetensors file_;
};

inline double dot(const PlainVector& a, const PlainVector& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

inline PlainVector plus(PlainVector a, const PlainVector& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] += b[i];
  }
  return a;
}

inline PlainVector joined(PlainVector a, const PlainVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// x W^T
inline PlainVector project(const PlainVector& x, const PlainRows& weight) {
  PlainVector out;
  for (const PlainVector& row : weight) {
    out.push_back(dot(x, row));
  }
  return out;
}

inline PlainVector plain_rms_norm(PlainVector x, const PlainVector& gain) {
  const double root = 1.0 / std::sqrt(dot(x, x) / static_cast<double>(x.size()) + 1e-6);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] *= root * gain[i];
  }
  return x;
}

inline PlainVector plain_unit(PlainVector x) {
  const double root = 1.0 / std::sqrt(dot(x, x) + 1e-6);
  for (double& value : x) {
    value *= root;
  }
  return x;
}

inline PlainVector plain_relu(PlainVector x) {
  for (double& value : x) {
    value = std::max(value, 0.0);
  }
  return x;
}

inline PlainVector plain_tanh(PlainVector x) {
  for (double& value : x) {
    value = std::tanh(value);
  }
  return x;
}

inline double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// softmax((q k + bias) scale) v with the phantom logit; no bias if it is empty.
inline PlainVector plain_attention(const PlainVector& query,
                                   const PlainRows& keys,
                                   const PlainRows& values,
                                   double scale,
                                   const PlainVector& bias = {}) {
  PlainVector logits;
  double largest = -1000.0;
  for (size_t j = 0; j < keys.size(); ++j) {
    logits.push_back((dot(query, keys[j]) + (bias.empty() ? 0.0 : bias[j])) * scale);
    largest = std::max(largest, logits.back());
  }
  double sum = std::exp(-1000.0 - largest);
  PlainVector out(query.size(), 0.0);
  for (size_t j = 0; j < keys.size(); ++j) {
    const double weight = std::exp(logits[j] - largest);
    sum += weight;
    for (size_t k = 0; k < out.size(); ++k) {
      out[k] += weight * values[j][k];
    }
  }
  for (double& value : out) {
    value /= sum;
  }
  return out;
}

/// Rotary position p: elements j and j + K/2 by pi p / 10000^(2j/K).
inline PlainVector plain_rotary(const PlainVector& x, double position) {
  const size_t half = x.size() / 2;
  PlainVector out(x.size());
  for (size_t j = 0; j < half; ++j) {
    const double angle =
        std::numbers::pi * position /
        std::pow(10000.0, 2.0 * static_cast<double>(j) / static_cast<double>(x.size()));
    out[j] = x[j] * std::cos(angle) - x[j + half] * std::sin(angle);
    out[j + half] = x[j] * std::sin(angle) + x[j + half] * std::cos(angle);
  }
  return out;
}

/// One document, from its first token on.
class PlainModel {
 public:
  PlainModel(const std::filesystem::path& folder, const ModelConfig& config)
      : config_(config), weights_(folder) {
    const size_t heads = static_cast<size_t>(config.num_heads);
    const PlainVector zero(static_cast<size_t>(config.head_size), 0.0);
    const PlainRows empty(static_cast<size_t>(config.window), zero);
    for (int64_t i = 0; i < config.num_layers; ++i) {
      Layer layer;
      layer.keys.assign(heads, empty);  // the empty cache
      layer.values = layer.keys;
      if (is_recurrent_layer(config, i)) {
        layer.state = weights_.rows(name(i, "cell.initial_state"));
      }
      layers_.push_back(layer);
    }
  }

  /// Takes a token in. @return the logits of the next one
  PlainVector read(int32_t token) {
    begin_token();
    PlainVector x = weights_.rows("embedding.weight")[static_cast<size_t>(token)];
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      x = feed_forward(i, attention(i, x));
    }
    end_token();
    const double root = std::sqrt(static_cast<double>(config_.width));
    PlainVector logits = project(plain_rms_norm(x, weights_.vector("final_norm.weight")),
                                 weights_.rows("embedding.weight"));
    for (double& logit : logits) {
      logit /= root;
    }
    return logits;
  }

  /// Makes Ks and Vs of every recurrent layer, at a block's start.
  void begin_token() {
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      if (position() == 0 && is_recurrent_layer(config_, i)) {
        project_state(i);
      }
    }
  }

  /// x + [ys ; yc] Wo; the token's key and value go into the cache.
  PlainVector attention(int64_t i, const PlainVector& x) {
    Layer& layer = layers_[static_cast<size_t>(i)];
    const PlainVector h = plain_rms_norm(x, weights_.vector(name(i, "attention_norm.weight")));
    const auto heads = [&](const std::string& of) {
      return split(project(h, weights_.rows(name(i, "attention." + of + ".weight"))));
    };
    const PlainRows keys = heads("key");
    const PlainRows values = heads("value");
    const PlainRows queries = heads("query");
    PlainVector out;
    for (size_t head = 0; head < queries.size(); ++head) {
      out = joined(out, token_attention(i, head, unit_query(queries[head])));
      layer.keys[head].push_back(unit_key(keys[head]));
      layer.values[head].push_back(values[head]);
    }
    if (attends_to_states(config_, i)) {
      const PlainRows cross_queries = heads("cross_query");
      const Layer& states = layers_[static_cast<size_t>(
          is_recurrent_layer(config_, i) ? i : topmost_recurrent_layer(config_))];
      for (size_t head = 0; head < queries.size(); ++head) {
        out = joined(out, plain_attention(unit_query(cross_queries[head]), states.state_keys[head],
                                          states.state_values[head],
                                          scale(name(i, "attention.cross_scale"), head)));
      }
    }
    return plus(x, project(out, weights_.rows(name(i, "attention.output.weight"))));
  }

  /// x + relu(rmsnorm(x) W1) W2
  PlainVector feed_forward(int64_t i, const PlainVector& x) const {
    const PlainVector h = plain_rms_norm(x, weights_.vector(name(i, "ffn_norm.weight")));
    const PlainVector hidden = plain_relu(project(h, weights_.rows(name(i, "ffn.up.weight"))));
    return plus(x, project(hidden, weights_.rows(name(i, "ffn.down.weight"))));
  }

  /// The next state and block, if the token was its block's last.
  void end_token() {
    ++tokens_read_;
    if (position() != 0) {
      return;
    }
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      if (is_recurrent_layer(config_, i)) {
        update_state(i);
      }
      for (PlainRows& keys : layers_[static_cast<size_t>(i)].keys) {
        keys.erase(keys.begin(), keys.begin() + config_.window);
      }
      for (PlainRows& values : layers_[static_cast<size_t>(i)].values) {
        values.erase(values.begin(), values.begin() + config_.window);
      }
    }
  }

  const PlainRows& state(int64_t i) const { return layers_[static_cast<size_t>(i)].state; }

 private:
  struct Layer {
    std::vector<PlainRows> keys;  ///< by head: the previous block's, then the current one's
    std::vector<PlainRows> values;
    PlainRows state;
    std::vector<PlainRows> state_keys;  ///< by head, as all below
    std::vector<PlainRows> state_values;
    std::vector<PlainRows> state_queries;
    std::vector<PlainRows> cross_queries;
  };

  ModelConfig config_;
  PlainWeights weights_;
  std::vector<Layer> layers_;
  int64_t tokens_read_ = 0;

  static std::string name(int64_t i, const std::string& rest) {
    return "layers." + std::to_string(i) + "." + rest;
  }
  int64_t position() const { return tokens_read_ % config_.window; }
  bool cache_is_hidden() const { return config_.mask_empty_cache && tokens_read_ < config_.window; }

  PlainRows split(const PlainVector& x) const {
    PlainRows heads;
    for (auto head = x.begin(); head != x.end(); head += config_.head_size) {
      heads.emplace_back(head, head + config_.head_size);
    }
    return heads;
  }
  PlainVector unit_key(const PlainVector& x) const {
    return config_.unit_attention ? plain_unit(x) : x;
  }
  PlainVector unit_query(PlainVector x) const {
    if (config_.unit_attention) {
      return plain_unit(x);
    }
    for (double& value : x) {
      value /= std::sqrt(static_cast<double>(config_.head_size));
    }
    return x;
  }
  double scale(const std::string& of, size_t head) const {
    return config_.unit_attention ? std::abs(weights_.vector(of)[head]) : 1.0;
  }

  /// The W tokens before this one.
  PlainVector token_attention(int64_t i, size_t head, PlainVector query) const {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const int64_t window = config_.window;
    PlainRows keys;
    PlainRows values;
    PlainVector bias;
    for (int64_t w = cache_is_hidden() ? window - position() : 0; w < window; ++w) {
      const size_t index = static_cast<size_t>(position() + w);
      PlainVector key = layer.keys[head][index];
      if (config_.position == PositionType::kRotary) {
        key = plain_rotary(key, static_cast<double>(position() + w - window));
      }
      keys.push_back(key);
      values.push_back(layer.values[head][index]);
      if (config_.position == PositionType::kT5) {
        const int64_t bucket =
            position_bucket(window - w, config_.num_buckets, config_.max_distance);
        bias.push_back(
            weights_.rows(name(i, "attention.position_bias"))[head][static_cast<size_t>(bucket)]);
      }
    }
    if (config_.position == PositionType::kRotary) {
      query = plain_rotary(query, static_cast<double>(position()));
    }
    return plain_attention(query, keys, values, scale(name(i, "attention.scale"), head), bias);
  }

  /// Ks, Vs, qs, qe of rmsnorm(c) + state_ids.
  void project_state(int64_t i) {
    Layer& layer = layers_[static_cast<size_t>(i)];
    const PlainRows ids = weights_.rows(name(i, "cell.state_ids"));
    const auto by_head = [&](const std::string& of, auto make) {
      std::vector<PlainRows> all(static_cast<size_t>(config_.num_heads));
      for (size_t s = 0; s < layer.state.size(); ++s) {
        const PlainVector with_ids =
            plus(plain_rms_norm(layer.state[s], weights_.vector(name(i, "cell.state_norm.weight"))),
                 ids[s]);
        const PlainRows heads =
            split(project(with_ids, weights_.rows(name(i, "cell." + of + ".weight"))));
        for (size_t head = 0; head < heads.size(); ++head) {
          all[head].push_back(make(heads[head]));
        }
      }
      return all;
    };
    layer.state_keys = by_head("key", [&](const PlainVector& x) { return unit_key(x); });
    layer.state_values = by_head("value", [](const PlainVector& x) { return x; });
    layer.state_queries = by_head("query", [&](const PlainVector& x) { return unit_query(x); });
    layer.cross_queries =
        by_head("cross_query", [&](const PlainVector& x) { return unit_query(x); });
  }

  void update_state(int64_t i) {
    Layer& layer = layers_[static_cast<size_t>(i)];
    const bool is_hidden = config_.mask_empty_cache && tokens_read_ == config_.window;
    for (size_t s = 0; s < layer.state.size(); ++s) {
      PlainVector state_attention;
      PlainVector cross_attention;
      for (size_t head = 0; head < layer.keys.size(); ++head) {
        const auto begin = is_hidden ? config_.window : 0;
        const PlainRows keys(layer.keys[head].begin() + begin, layer.keys[head].end());
        const PlainRows values(layer.values[head].begin() + begin, layer.values[head].end());
        state_attention =
            joined(state_attention,
                   plain_attention(layer.state_queries[head][s], layer.state_keys[head],
                                   layer.state_values[head], scale(name(i, "cell.scale"), head)));
        cross_attention =
            joined(cross_attention, plain_attention(layer.cross_queries[head][s], keys, values,
                                                    scale(name(i, "cell.cross_scale"), head)));
      }
      layer.state[s] =
          next_state(name(i, "cell."), layer.state[s], joined(state_attention, cross_attention));
    }
  }

  /// model.md, "Configurations".
  PlainVector next_state(const std::string& cell,
                         const PlainVector& c,
                         const PlainVector& r) const {
    if (config_.cell == CellType::kSingle) {
      const PlainVector h = plain_relu(project(r, weights_.rows(cell + "ffn.up.weight")));
      return gate(cell + "gate.", c,
                  plain_tanh(project(h, weights_.rows(cell + "ffn.down.weight"))), h);
    }
    const PlainVector next =
        gate(cell + "gate.", c, project(r, weights_.rows(cell + "output.weight")), r);
    if (config_.cell == CellType::kSkip) {
      return next;
    }
    const PlainVector normed = plain_rms_norm(next, weights_.vector(cell + "ffn_norm.weight"));
    const PlainVector h = plain_relu(project(normed, weights_.rows(cell + "ffn.up.weight")));
    return gate(cell + "ffn_gate.", next, project(h, weights_.rows(cell + "ffn.down.weight")), h);
  }

  /// model.md, "Gates".
  PlainVector gate(const std::string& prefix,
                   const PlainVector& c,
                   PlainVector z,
                   const PlainVector& h) const {
    PlainVector next(c.size());
    if (config_.gate == GateType::kFixed) {
      const PlainVector bias = weights_.vector(prefix + "bias");
      for (size_t d = 0; d < c.size(); ++d) {
        const double keep = sigmoid(bias[d]);
        next[d] = c[d] * keep + z[d] * (1.0 - keep);
      }
      return next;
    }
    if (config_.candidate_tanh && config_.cell != CellType::kSingle) {
      z = plain_tanh(z);  // single has its own before
    }
    const PlainVector input = plus(project(h, weights_.rows(prefix + "input.weight")),
                                   weights_.vector(prefix + "input.bias"));
    const PlainVector forget = plus(project(h, weights_.rows(prefix + "forget.weight")),
                                    weights_.vector(prefix + "forget.bias"));
    for (size_t d = 0; d < c.size(); ++d) {
      next[d] = c[d] * sigmoid(forget[d] + 1.0) + z[d] * sigmoid(input[d] - 1.0);
    }
    return next;
  }
};

/// The largest difference of numbers from those wanted, relative to the largest of these or 1.
template <class Got, class Want>
double worst_error(const Got& got, const Want& want) {
  double worst = 0.0;
  double largest = 1.0;
  for (size_t i = 0; i < want.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    largest = std::max(largest, std::abs(static_cast<double>(want[i])));
  }
  return worst / largest;
}

}  // namespace brt
