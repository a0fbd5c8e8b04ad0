// SPDX-License-Identifier: Apache-2.0
// Attention as products with panels, and the row functions of the CPU's target between them.
#include "kernels/panel_attention.h"

#include <algorithm>
#include <cstddef>

#include "kernels/attention_rows.h"

namespace brt::kernels {
namespace {

template <class T>
void multiply_keys(const KeyProducts<T>& args) {
  MatmulArgs<T> product;
  product.left = args.rows.data;
  product.left_stride = args.rows.stride;
  product.panels =
      args.keys.panels + args.first_panel * panel_size(args.keys.depth, args.keys.panels);
  product.out = args.out;
  product.out_stride = args.out_stride;
  product.rows = args.rows.count;
  product.columns = args.num_panels * kPanelColumns;
  product.depth = args.keys.depth;
  product.output = MatmulOutput::kStoreFloat;
  product.column_band = args.wanted;
  product.next_panels = args.next;
  matmul(product);
}

template <class T>
void sum_values(const ValueSums<T>& args) {
  const int64_t size = panel_size(args.values.depth, args.values.panels);
  const int64_t head_size = args.values.columns;
  const size_t element = stores_float32(args.output) ? sizeof(float) : sizeof(T);
  for (int64_t column = 0; column < head_size; column += kPanelColumns) {
    const T* panel =
        args.values.panels + column / kPanelColumns * size + args.first_key * kPanelColumns;
    MatmulArgs<T> product;
    product.left = args.weights.data;
    product.left_stride = args.weights.stride;
    product.panels = panel;
    product.out = static_cast<std::byte*>(args.out) + static_cast<size_t>(column) * element;
    product.out_stride = args.out_stride;
    product.rows = args.weights.count;
    product.columns = std::min(kPanelColumns, head_size - column);
    product.depth = args.num_keys;
    product.output = args.output;
    product.depth_band = args.band;
    product.next_panels = column + kPanelColumns < head_size ? panel + size : args.next;
    matmul(product);
  }
}

template <class T>
void attend_fully(const FullAttention<T>& args) {
  const AttentionScratch<T>& scratch = args.scratch;
  const int64_t rows = args.queries.count;
  KeyProducts<T> products;
  products.keys = args.keys;
  products.rows = args.queries;
  products.first_panel = args.first_key / kPanelColumns;
  products.num_panels = num_panels(args.num_keys);
  products.out = scratch.logits;
  products.out_stride = scratch.stride;
  if (args.num_keys > 0) {
    multiply_keys(products);
  }
  for (int64_t r = 0; r < rows; ++r) {
    AttentionRow row;
    row.product = scratch.logits + r * scratch.stride;
    row.scale = args.scale;
    row.count = args.num_keys;
    const float log_sum = attention_rows<T>().softmax(row, scratch.weights + r * scratch.stride);
    if (args.log_sum != nullptr) {
      args.log_sum[r] = log_sum;
    }
  }
  ValueSums<T> sums;
  sums.values = args.values;
  sums.weights = {scratch.weights, scratch.stride, rows};
  sums.first_key = args.first_key;
  sums.num_keys = args.num_keys;
  sums.out = args.out;
  sums.out_stride = args.out_stride;
  sum_values(sums);
}

}  // namespace

void key_products(const KeyProducts<float>& args) { multiply_keys(args); }
void key_products(const KeyProducts<Bfloat16>& args) { multiply_keys(args); }
void value_sums(const ValueSums<float>& args) { sum_values(args); }
void value_sums(const ValueSums<Bfloat16>& args) { sum_values(args); }
void full_attention(const FullAttention<float>& args) { attend_fully(args); }
void full_attention(const FullAttention<Bfloat16>& args) { attend_fully(args); }

}  // namespace brt::kernels
