// SPDX-License-Identifier: Apache-2.0
// Products of attention and attention over all keys against plain loops, on each CPU target.
#include "kernels/panel_attention.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_values.h"

namespace brt::kernels {
namespace {

constexpr int64_t kKeys = 200;
constexpr int64_t kHeadSize = 70;  // values in two panels
constexpr int64_t kQueries = 5;

/// One head's keys and values, plain and packed.
template <class T>
struct Head {
  Head()
      : keys(normal_values<T>(kKeys * kHeadSize, 1)),
        values(normal_values<T>(kKeys * kHeadSize, 2)),
        queries(normal_values<T>(kQueries * kHeadSize, 3)),
        key_panels(static_cast<size_t>(num_panels(kKeys) * panel_size(kHeadSize, keys.data()))),
        value_panels(static_cast<size_t>(num_panels(kHeadSize) * panel_size(kKeys, keys.data()))) {
    pack_columns(PackArgs<T, T>{keys.data(), kHeadSize, key_panels.data(), kHeadSize, kKeys}, 0,
                 num_panels(kKeys));
    pack_rows(PackArgs<T, T>{values.data(), kHeadSize, value_panels.data(), kKeys, kHeadSize}, 0,
              num_panels(kHeadSize));
  }

  PackedMatrix<T> packed_keys() const { return {key_panels.data(), kHeadSize, kKeys}; }
  PackedMatrix<T> packed_values() const { return {value_panels.data(), kKeys, kHeadSize}; }
  Rows<const T> query_rows() const { return {queries.data(), kHeadSize, kQueries}; }
  double product(int64_t r, int64_t j) const {
    double sum = 0.0;
    for (int64_t k = 0; k < kHeadSize; ++k) {
      sum += static_cast<double>(to_float(queries[static_cast<size_t>(r * kHeadSize + k)])) *
             to_float(keys[static_cast<size_t>(j * kHeadSize + k)]);
    }
    return sum;
  }
  double value(int64_t j, int64_t k) const {
    return to_float(values[static_cast<size_t>(j * kHeadSize + k)]);
  }

  std::vector<T> keys;
  std::vector<T> values;
  std::vector<T> queries;
  std::vector<T> key_panels;
  std::vector<T> value_panels;
};

class PanelAttention : public OnEachTarget {
 protected:
  template <class T>
  void expect_products();
  template <class T>
  void expect_sums();
  template <class T>
  void expect_attention(int64_t first_key, int64_t num_keys);
};

template <class T>
void PanelAttention::expect_products() {
  const Head<T> head;
  KeyProducts<T> args;
  args.keys = head.packed_keys();
  args.rows = head.query_rows();
  args.first_panel = 1;
  args.num_panels = 2;
  std::vector<float> out(kQueries * 150, 7.0F);
  args.out = out.data();
  args.out_stride = 150;
  key_products(args);
  for (int64_t r = 0; r < kQueries; ++r) {
    for (int64_t j = 0; j < 128; ++j) {
      EXPECT_NEAR(out[static_cast<size_t>(r * 150 + j)], head.product(r, 64 + j), 1e-4);
    }
    EXPECT_EQ(out[static_cast<size_t>(r * 150 + 128)], 7.0F);
  }
}

TEST_P(PanelAttention, ProductsAreOfTheKeysOfWholePanels) {
  expect_products<float>();
  expect_products<Bfloat16>();
}

template <class T>
void PanelAttention::expect_sums() {
  const Head<T> head;
  constexpr int64_t kFirst = 64;
  constexpr int64_t kCount = 97;
  const std::vector<T> weights = normal_values<T>(kQueries * 100, 4);
  ValueSums<T> args;
  args.values = head.packed_values();
  args.weights = {weights.data(), 100, kQueries};
  args.first_key = kFirst;
  args.num_keys = kCount;
  std::vector<float> sums(kQueries * kHeadSize);
  std::vector<T> rounded(kQueries * kHeadSize);
  args.out = sums.data();
  args.out_stride = kHeadSize;
  value_sums(args);
  args.output = MatmulOutput::kAddFloat;
  value_sums(args);
  args.output = MatmulOutput::kStore;
  args.out = rounded.data();
  value_sums(args);
  for (int64_t r = 0; r < kQueries; ++r) {
    for (int64_t k = 0; k < kHeadSize; ++k) {
      double wanted = 0.0;
      for (int64_t j = 0; j < kCount; ++j) {
        wanted += to_float(weights[static_cast<size_t>(r * 100 + j)]) * head.value(kFirst + j, k);
      }
      const size_t index = static_cast<size_t>(r * kHeadSize + k);
      EXPECT_NEAR(sums[index], 2.0 * wanted, 1e-3);
      EXPECT_NEAR(to_float(rounded[index]), wanted,
                  1e-3 + std::abs(wanted) * rounding_of(weights.data()));
    }
  }
}

TEST_P(PanelAttention, SumsOfValuesAreStoredOrAddedOrRounded) {
  expect_sums<float>();
  expect_sums<Bfloat16>();
}

template <class T>
void PanelAttention::expect_attention(int64_t first_key, int64_t num_keys) {
  const Head<T> head;
  constexpr int64_t kStride = 256;
  std::vector<float> logits(kAttentionRows * kStride);
  std::vector<T> weights(kAttentionRows * kStride);
  std::vector<float> out(kQueries * kHeadSize, 7.0F);
  std::vector<float> log_sum(kQueries);
  FullAttention<T> args;
  args.keys = head.packed_keys();
  args.values = head.packed_values();
  args.first_key = first_key;
  args.num_keys = num_keys;
  args.scale = 0.3F;
  args.queries = head.query_rows();
  args.out = out.data();
  args.out_stride = kHeadSize;
  args.log_sum = log_sum.data();
  args.scratch = {logits.data(), weights.data(), kStride};
  full_attention(args);
  const double limit = 1e-4 + 8.0 * rounding_of(weights.data());
  for (int64_t r = 0; r < kQueries; ++r) {
    double sum = std::exp(-1000.0);
    std::vector<double> wanted(kHeadSize, 0.0);
    for (int64_t j = first_key; j < first_key + num_keys; ++j) {
      const double weight = std::exp(0.3F * head.product(r, j));
      sum += weight;
      for (int64_t k = 0; k < kHeadSize; ++k) {
        wanted[static_cast<size_t>(k)] += weight * head.value(j, k);
      }
    }
    for (int64_t k = 0; k < kHeadSize; ++k) {
      const double value = num_keys == 0 ? 0.0 : wanted[static_cast<size_t>(k)] / sum;
      EXPECT_NEAR(out[static_cast<size_t>(r * kHeadSize + k)], value, limit);
    }
    const double wanted_log = num_keys == 0 ? -1000.0 : std::log(sum);
    EXPECT_NEAR(log_sum[static_cast<size_t>(r)], wanted_log, 1e-3);
  }
}

TEST_P(PanelAttention, FullAttentionIsASoftmaxOverAllKeys) {
  expect_attention<float>(0, kKeys);
  expect_attention<Bfloat16>(0, kKeys);
}

TEST_P(PanelAttention, FullAttentionOverSomePanels) {
  expect_attention<float>(64, 64);
  expect_attention<Bfloat16>(128, 40);
}

TEST_P(PanelAttention, FullAttentionOverNoKeyIsZero) {
  expect_attention<float>(64, 0);
  expect_attention<Bfloat16>(64, 0);
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         PanelAttention,
                         testing::ValuesIn(supported_targets()),
                         target_name);

}  // namespace
}  // namespace brt::kernels
