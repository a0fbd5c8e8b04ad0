// SPDX-License-Identifier: Apache-2.0
// Attention of a stream against plain softmax attention in float64.
#include "engine/stream_attention.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/aligned_buffer.h"
#include "engine/packed_case.h"
#include "engine/random_floats.h"
#include "support/tolerance.h"

namespace brt {
namespace {

std::map<std::string, ModelConfig> attention_configs() {
  std::map<std::string, ModelConfig> configs;
  configs["bias"] = one_layer_config(/*window=*/70, false);  // tiles and panels with a rest
  configs["rotary"] = one_layer_config(/*window=*/10, false);
  configs["rotary"].position = PositionType::kRotary;
  configs["masked"] = one_layer_config(/*window=*/10, false);
  configs["masked"].mask_empty_cache = true;
  configs["plain"] = one_layer_config(/*window=*/66, false);
  configs["plain"].position = PositionType::kNone;
  configs["plain"].unit_attention = false;
  return configs;
}

/// Keys, values and queries of tokens, as a projection gives them.
class Tokens {
 public:
  Tokens(const PackedCase& model, int64_t count)
      : config_(model.model.config()),
        qkv_(model.model.layer(0).qkv),
        qkv_NP_(random_floats(count * qkv_.columns(), 1)) {}

  const float* row(int64_t n) const { return qkv_NP_.data() + n * qkv_.columns(); }

  /// Source 0: key, 1: value, 2: query.
  PlainVector vector(int64_t n, int64_t source, int64_t head) const {
    const float* from = row(n) + qkv_.source_column(source) + head * config_.head_size;
    const PlainVector x = plain_row(from, config_.head_size);
    if (source == 1 || (source == 0 && !config_.unit_attention)) {
      return x;
    }
    PlainVector query = config_.unit_attention ? plain_unit(x) : x;
    for (double& value : query) {
      value /= config_.unit_attention ? 1.0 : std::sqrt(static_cast<double>(config_.head_size));
    }
    return query;
  }

  /// The W tokens before token n; what lies before the document is zero.
  PlainVector attended(int64_t n, int64_t head, const LayerWeights& weights) const {
    const bool is_rotary = config_.position == PositionType::kRotary;
    const bool hides_cache = config_.mask_empty_cache && n < config_.window;
    PlainRows keys;
    PlainRows values;
    PlainVector bias;
    for (int64_t m = n - config_.window; m < n; ++m) {
      if (m < 0 && hides_cache) {
        continue;
      }
      const PlainVector zero(static_cast<size_t>(config_.head_size), 0.0);
      const PlainVector key = m < 0 ? zero : vector(m, 0, head);
      keys.push_back(is_rotary ? plain_rotary(key, static_cast<double>(m)) : key);
      values.push_back(m < 0 ? zero : vector(m, 1, head));
      if (!weights.bias_HW.empty()) {
        bias.push_back(
            weights.bias_HW[static_cast<size_t>(head * config_.window + m - n + config_.window)]);
      }
    }
    const PlainVector query = vector(n, 2, head);
    return plain_attention(is_rotary ? plain_rotary(query, static_cast<double>(n)) : query, keys,
                           values, weights.scale_H[static_cast<size_t>(head)], bias);
  }

 private:
  const ModelConfig& config_;
  const WeightMatrix& qkv_;
  std::vector<float> qkv_NP_;
};

/// Attends with tokens [begin, end) of a block in steps of `chunk` rows.
template <class T>
void attend(const PackedCase& model,
            const Tokens& tokens,
            StreamState& state,
            int64_t end,
            int64_t chunk,
            std::vector<float>& joined_NE) {
  const ModelConfig& config = model.model.config();
  const StreamAttention<T> attention(model.model);
  AlignedBuffer scratch(attention.scratch_bytes());
  const int64_t joined = config.num_heads * config.head_size;
  joined_NE.resize(static_cast<size_t>(end * joined));
  while (state.tokens_read() < end) {
    const int64_t first = state.tokens_read();
    TokenRows rows;
    rows.state = &state;
    rows.first = first % config.window;
    rows.count = std::min({chunk, end - first, config.window - rows.first});
    rows.qkv_RP = tokens.row(first);
    rows.qkv_stride = model.model.layer(0).qkv.columns();
    rows.joined_RE = joined_NE.data() + first * joined;
    rows.joined_stride = joined;
    for (int64_t head = 0; head < config.num_heads; ++head) {
      attention.run(0, head, rows, scratch.data());
    }
    state.set_tokens_read(first + rows.count);
  }
}

TEST(StreamAttention, IsSoftmaxAttentionOverTheTokensBefore) {
  for (const auto& [name, config] : attention_configs()) {
    PackedCase model(config);
    const int64_t count = 2 * config.window + 5;
    const Tokens tokens(model, count);
    StreamState state = model.engine.begin();
    std::vector<float> joined_NE;
    attend<float>(model, tokens, state, count, /*chunk=*/config.window, joined_NE);
    for (int64_t n = 0; n < count; ++n) {
      for (int64_t head = 0; head < config.num_heads; ++head) {
        const float* got = joined_NE.data() + (n * config.num_heads + head) * config.head_size;
        EXPECT_LT(worst_error(plain_row(got, config.head_size),
                              tokens.attended(n, head, model.model.layer(0))),
                  tolerance::kFloat32)
            << name << ", token " << n;
      }
    }
  }
}

TEST(StreamAttention, ChunksDoNotChangeABit) {
  for (const auto& [name, config] : attention_configs()) {
    for (const WeightFormat format : {WeightFormat::kFloat32, WeightFormat::kBfloat16}) {
      PackedCase model(config, format);
      const int64_t count = 2 * config.window + 5;
      const Tokens tokens(model, count);
      std::vector<std::vector<float>> joined_NE(3);
      for (const size_t i : {size_t{0}, size_t{1}, size_t{2}}) {
        const int64_t chunk = std::array<int64_t, 3>{config.window, 1, 3}[i];
        StreamState state = model.engine.begin();
        if (format == WeightFormat::kFloat32) {
          attend<float>(model, tokens, state, count, chunk, joined_NE[i]);
        } else {
          attend<kernels::Bfloat16>(model, tokens, state, count, chunk, joined_NE[i]);
        }
      }
      EXPECT_EQ(joined_NE[0], joined_NE[1]) << name << ", " << to_word(format);
      EXPECT_EQ(joined_NE[0], joined_NE[2]) << name << ", " << to_word(format);
    }
  }
}

TEST(StreamAttention, BeginsToReadAtThePanelOfItsFirstKey) {
  PackedCase model(attention_configs().at("bias"));
  const StreamAttention<float> attention(model.model);
  StreamState state = model.engine.begin();
  const float* keys = StateAccess::keys<float>({state, 0, 1}, kPreviousBlock);
  TokenRows rows;
  rows.state = &state;
  rows.first = 3;
  EXPECT_EQ(attention.first_keys(0, 1, rows), keys);
  rows.first = 64;
  EXPECT_EQ(attention.first_keys(0, 1, rows), keys + kernels::panel_size(8, keys));
}

}  // namespace
}  // namespace brt
