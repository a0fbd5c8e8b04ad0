// SPDX-License-Identifier: Apache-2.0
// Attention of a tile: products on panels, and the row functions of the CPU's target between them.
//
// The tile's logits lie in scratch over the panels of keys that any of its rows sees: at W 512, 576
// columns for 64 rows, 144 KiB. Two passes over them (softmax, then values) were simpler than an
// online softmax and as fast, since they stay in L2.
#include "kernels/attention.h"

#include <algorithm>

#include "base/check.h"
#include "base/divide_up.h"
#include "kernels/argument_checks.h"
#include "kernels/attention_rows.h"
#include "kernels/matmul.h"

namespace brt::kernels {
namespace {

constexpr int64_t kScratchAlignment = kLineBytes;
/// Between a tile's rows in scratch: rows that lie 1, 2 or 4 KiB apart fall on few sets of L1.
constexpr int64_t kStridePadding = 32;
/// Of a panel as deep as a tile.
constexpr int64_t kPanelElements = kAttentionRows * kPanelColumns;

/// Keys [begin, end), whole panels, that some row of a tile sees; and what one row sees.
template <class T>
struct KeyRange {
  KeyRange(const AttentionHead<T>& the_head, const AttentionTile<T>& tile) : head(the_head) {
    const int64_t first = std::max(head.first_visible, head.window > 0 ? tile.first : 0);
    const int64_t last = head.window > 0 ? tile.first + tile.rows - 1 + head.window : head.num_keys;
    first_panel = std::min(first, last) / kPanelColumns;
    begin = first_panel * kPanelColumns;
    end = round_up(std::max(last, begin), kPanelColumns);
  }
  int64_t span() const { return end - begin; }
  /// From one row of the tile's scratch to the next.
  int64_t stride() const { return span() + kStridePadding; }
  /// Depth of products over the keys: no further than there are keys.
  int64_t depth() const { return std::min(end, head.num_keys) - begin; }
  /// First and number of the keys that row `n` sees.
  int64_t row_begin(int64_t n) const {
    return std::max(head.first_visible, head.window > 0 ? n : 0);
  }
  int64_t row_count(int64_t n) const {
    const int64_t row_end = head.window > 0 ? n + head.window : head.num_keys;
    return std::max<int64_t>(row_end - row_begin(n), 0);
  }
  /// The keys that row r of a tile sees, from `begin` on.
  Band keys_band(const AttentionTile<T>& tile) const {
    const int64_t first = tile.first - begin;
    return head.window > 0 ? Band{first, first + head.window} : Band{};
  }
  /// The rows of a tile that see key r, counted from `begin` on.
  Band rows_band(const AttentionTile<T>& tile) const {
    const int64_t last = begin - tile.first;
    return head.window > 0 ? Band{last - head.window + 1, last + 1} : Band{};
  }

  AttentionHead<T> head;
  int64_t first_panel = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

/// Parts of the caller's scratch, each aligned to 64 bytes.
class Scratch {
 public:
  explicit Scratch(void* memory) : next_(static_cast<char*>(memory)) {}
  template <class T>
  T* take(int64_t elements) {
    T* part = reinterpret_cast<T*>(next_);
    next_ += round_up(elements * static_cast<int64_t>(sizeof(T)), kScratchAlignment);
    return part;
  }

 private:
  char* next_;
};

template <class T>
int64_t largest_stride(const AttentionHead<T>& head) {
  const int64_t keys = head.window > 0 ? head.window + kAttentionRows : head.num_keys;
  return round_up(keys, kPanelColumns) + kPanelColumns + kStridePadding;
}

/// logits or dP: left [rows, head_size] times columns of the keys' range, float32 [rows, span].
template <class T>
void product_over_keys(const T* left,
                       const T* columns,
                       const KeyRange<T>& range,
                       const AttentionTile<T>& tile,
                       float* out) {
  KeyProducts<T> args;
  args.keys = {columns, range.head.head_size, range.head.num_keys};
  args.rows = {left, tile.stride, tile.rows};
  args.first_panel = range.first_panel;
  args.num_panels = range.span() / kPanelColumns;
  args.out = out;
  args.out_stride = range.stride();
  args.wanted = range.keys_band(tile);
  key_products(args);
}

/// weights [rows, span] times rows of the keys' range: [rows, head_size].
template <class T>
void weighted_sum(const T* weights,
                  const T* rows_panels,
                  const KeyRange<T>& range,
                  const AttentionTile<T>& tile,
                  T* out) {
  ValueSums<T> args;
  args.values = {rows_panels, range.head.num_keys, range.head.head_size};
  args.weights = {weights, range.stride(), tile.rows};
  args.first_key = range.begin;
  args.num_keys = range.depth();
  args.out = out;
  args.out_stride = tile.stride;
  args.output = MatmulOutput::kStore;
  args.band = range.keys_band(tile);
  value_sums(args);
}

/// sum [depth, head_size] += weights^T right, with weights [rows, span], right [rows, head_size].
template <class T>
void add_transposed_product(const T* weights,
                            const T* right,
                            const KeyRange<T>& range,
                            const AttentionTile<T>& tile,
                            Scratch scratch,
                            float* sum) {
  const int64_t head_size = range.head.head_size;
  PackArgs<T, T> pack_right{right, tile.stride,
                            scratch.take<T>(num_panels(head_size) * kPanelElements), tile.rows,
                            head_size};
  pack_rows(pack_right, 0, num_panels(head_size));
  MatmulArgs<T> args;
  args.left = weights;
  args.left_stride = range.stride();
  args.left_form = LeftForm::kTransposed;
  args.depth_band = range.rows_band(tile);
  args.panels = pack_right.panels;
  args.out = sum;
  args.out_stride = head_size;
  args.rows = range.depth();
  args.columns = head_size;
  args.depth = tile.rows;
  args.output = MatmulOutput::kAddFloat;
  transposed_matmul(args, scratch.take<T>(kPanelElements));
}

/// The visible part of row `n`, with its row in the tile's scratch.
template <class T>
AttentionRow row_of(const KeyRange<T>& range, int64_t n, float* products) {
  AttentionRow row;
  row.count = range.row_count(n);
  row.product = products + range.row_begin(n) - range.begin;
  row.bias = range.head.bias != nullptr ? range.head.bias + (range.row_begin(n) - n) : nullptr;
  row.scale = range.head.scale;
  return row;
}

/// Zeroes what lies before and behind the visible part of a row of weights.
template <class T>
void clear_hidden(T* weights, const KeyRange<T>& range, int64_t n) {
  const int64_t before = std::min(range.row_begin(n) - range.begin, range.span());
  const int64_t behind = std::min(before + range.row_count(n), range.span());
  std::fill(weights, weights + before, T{});
  std::fill(weights + behind, weights + range.span(), T{});
}

/// Rows of a head lie apart, which hardware does not foresee: asks for one in time.
template <class T>
void prefetch_row(const T* row, int64_t head_size) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t k = 0; k < head_size; k += kLine) {
    __builtin_prefetch(row + k);
  }
}

template <class T>
void check(const AttentionHead<T>& head, const AttentionTile<T>& tile, const void* scratch) {
  BRT_ASSERT(head.head_size > 0 && head.num_keys >= 0 && head.window >= 0);
  BRT_ASSERT(head.first_visible >= 0);
  BRT_ASSERT(tile.first >= 0 && is_range(0, tile.rows, kAttentionRows));
  BRT_ASSERT(head.window == 0 || tile.first + tile.rows + head.window - 1 <= head.num_keys);
  BRT_ASSERT(head.bias == nullptr || (head.window > 0 && is_array(head.bias, head.window)));
  BRT_ASSERT(is_matrix(tile.query, tile.rows, head.head_size, tile.stride));
  BRT_ASSERT(is_array(tile.log_sum, tile.rows));
  BRT_ASSERT(is_array(head.key_columns, head.num_keys * head.head_size));
  BRT_ASSERT(scratch != nullptr && is_aligned(scratch, kScratchAlignment));
}

template <class T>
void check(const AttentionHead<T>& head,
           const AttentionTile<T>& tile,
           const AttentionTileGradient<T>& gradient) {
  BRT_ASSERT(is_matrix(gradient.out_gradient, tile.rows, head.head_size, tile.stride));
  BRT_ASSERT(is_matrix(gradient.query_gradient, tile.rows, head.head_size, tile.stride));
  BRT_ASSERT(is_array(head.key_rows, head.num_keys * head.head_size));
  BRT_ASSERT(is_array(head.value_columns, head.num_keys * head.head_size));
  BRT_ASSERT(is_range(0, gradient.first_key, attention_keys(head, tile).begin));
  BRT_ASSERT(is_array(gradient.key_gradient, head.num_keys));
  BRT_ASSERT(is_array(gradient.value_gradient, head.num_keys));
  BRT_ASSERT(head.bias == nullptr || is_array(gradient.bias_gradient, head.window));
  BRT_ASSERT(is_array(gradient.scale_gradient, 1));
}

template <class T>
void forward(const AttentionHead<T>& head, const AttentionTile<T>& tile, void* memory) {
  check(head, tile, memory);
  BRT_ASSERT(is_matrix(tile.out, tile.rows, head.head_size, tile.stride));
  BRT_ASSERT(is_array(head.value_rows, head.num_keys * head.head_size));
  const AttentionRowFunctions<T>& functions = attention_rows<T>();
  const KeyRange<T> range(head, tile);
  Scratch scratch(memory);
  float* products = scratch.take<float>(kAttentionRows * range.stride());
  T* weights = scratch.take<T>(kAttentionRows * range.stride());
  product_over_keys(tile.query, head.key_columns, range, tile, products);
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t n = tile.first + r;
    T* row_weights = weights + r * range.stride();
    clear_hidden(row_weights, range, n);
    prefetch_row(tile.out + r * tile.stride, head.head_size);
    prefetch_row(tile.query + (kAttentionRows + r) * tile.stride, head.head_size);
    tile.log_sum[r] = functions.softmax(row_of(range, n, products + r * range.stride()),
                                        row_weights + (range.row_begin(n) - range.begin));
  }
  weighted_sum(weights, head.value_rows, range, tile, tile.out);
}

template <class T>
void backward(const AttentionHead<T>& head,
              const AttentionTile<T>& tile,
              const AttentionTileGradient<T>& gradient,
              void* memory) {
  check(head, tile, memory);
  check(head, tile, gradient);
  const AttentionRowFunctions<T>& functions = attention_rows<T>();
  const KeyRange<T> range(head, tile);
  const int64_t stride = range.stride();
  Scratch scratch(memory);
  float* products = scratch.take<float>(kAttentionRows * stride);
  float* probability_gradients = scratch.take<float>(kAttentionRows * stride);
  T* weights = scratch.take<T>(kAttentionRows * stride);
  T* logit_gradients = scratch.take<T>(kAttentionRows * stride);
  product_over_keys(tile.query, head.key_columns, range, tile, products);
  product_over_keys(gradient.out_gradient, head.value_columns, range, tile, probability_gradients);
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t n = tile.first + r;
    const int64_t visible = range.row_begin(n) - range.begin;
    prefetch_row(gradient.query_gradient + r * tile.stride, head.head_size);
    prefetch_row(tile.query + (kAttentionRows + r) * tile.stride, head.head_size);
    prefetch_row(gradient.out_gradient + (kAttentionRows + r) * tile.stride, head.head_size);
    clear_hidden(weights + r * stride, range, n);
    clear_hidden(logit_gradients + r * stride, range, n);
    const AttentionRow row = row_of(range, n, products + r * stride);
    AttentionRowGradient<T> row_gradient;
    row_gradient.probability_gradient = probability_gradients + r * stride + visible;
    row_gradient.log_sum = tile.log_sum[r];
    row_gradient.probability = weights + r * stride + visible;
    row_gradient.logit_gradient = logit_gradients + r * stride + visible;
    row_gradient.bias_gradient =
        head.bias != nullptr ? gradient.bias_gradient + (range.row_begin(n) - n) : nullptr;
    *gradient.scale_gradient += static_cast<double>(functions.softmax_gradient(row, row_gradient));
  }
  weighted_sum(logit_gradients, head.key_rows, range, tile, gradient.query_gradient);
  const int64_t offset = (range.begin - gradient.first_key) * head.head_size;
  add_transposed_product(logit_gradients, tile.query, range, tile, scratch,
                         gradient.key_gradient + offset);
  add_transposed_product(weights, gradient.out_gradient, range, tile, scratch,
                         gradient.value_gradient + offset);
}

}  // namespace

template <class T>
KeySpan attention_keys(const AttentionHead<T>& head, const AttentionTile<T>& tile) {
  const KeyRange<T> range(head, tile);
  return {range.begin, range.begin + range.depth()};
}
template KeySpan attention_keys(const AttentionHead<float>& head, const AttentionTile<float>& tile);
template KeySpan attention_keys(const AttentionHead<Bfloat16>& head,
                                const AttentionTile<Bfloat16>& tile);

template <class T>
int64_t attention_scratch_bytes(const AttentionHead<T>& head) {
  constexpr int64_t kSize = sizeof(T);
  constexpr int64_t kFloatSize = sizeof(float);
  constexpr int64_t kParts = 6;
  const int64_t elements = kAttentionRows * largest_stride(head);
  const int64_t packed = kAttentionRows * round_up(head.head_size, kPanelColumns);
  // Products and their gradients; both sets of weights; a right operand and the scratch of products
  // with transposed weights; each part's end aligned.
  return elements * (2 * kFloatSize + 2 * kSize) + (packed + kPanelElements) * kSize +
         kParts * kScratchAlignment;
}
template int64_t attention_scratch_bytes(const AttentionHead<float>& head);
template int64_t attention_scratch_bytes(const AttentionHead<Bfloat16>& head);

void attention_forward(const AttentionHead<float>& head,
                       const AttentionTile<float>& tile,
                       void* scratch) {
  forward(head, tile, scratch);
}
void attention_forward(const AttentionHead<Bfloat16>& head,
                       const AttentionTile<Bfloat16>& tile,
                       void* scratch) {
  forward(head, tile, scratch);
}
void attention_backward(const AttentionHead<float>& head,
                        const AttentionTile<float>& tile,
                        const AttentionTileGradient<float>& gradient,
                        void* scratch) {
  backward(head, tile, gradient, scratch);
}
void attention_backward(const AttentionHead<Bfloat16>& head,
                        const AttentionTile<Bfloat16>& tile,
                        const AttentionTileGradient<Bfloat16>& gradient,
                        void* scratch) {
  backward(head, tile, gradient, scratch);
}

}  // namespace brt::kernels
