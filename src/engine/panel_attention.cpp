// SPDX-License-Identifier: Apache-2.0
// Products with panels of keys and values, and attention over all of a head's keys.
#include "engine/panel_attention.h"

#include <algorithm>

#include "kernels/attention_rows.h"

namespace brt {

using kernels::Bfloat16;
using kernels::kPanelColumns;
using kernels::MatmulOutput;

template <class T>
void key_products(const HeadPanels<T>& head,
                  Rows<const T> query_RK,
                  Range panels,
                  Rows<float> out,
                  kernels::Band wanted,
                  const T* next) {
  kernels::MatmulArgs<T> args;
  args.left = query_RK.data;
  args.left_stride = query_RK.stride;
  args.panels = head.keys + panels.begin * kernels::panel_size(head.head_size, head.keys);
  args.out = out.data;
  args.out_stride = out.stride;
  args.rows = query_RK.count;
  args.columns = (panels.end - panels.begin) * kPanelColumns;
  args.depth = head.head_size;
  args.output = MatmulOutput::kStoreFloat;
  args.column_band = wanted;
  args.next_panels = next;
  kernels::matmul(args);
}

template <class T>
void weighted_values(const HeadPanels<T>& head,
                     Rows<const T> weight,
                     int64_t first,
                     int64_t count,
                     Rows<float> out_RK,
                     MatmulOutput output,
                     kernels::Band band,
                     const T* next) {
  const int64_t size = kernels::panel_size(head.num_keys, head.values);
  for (int64_t column = 0; column < head.head_size; column += kPanelColumns) {
    const T* panel = head.values + column / kPanelColumns * size + first * kPanelColumns;
    kernels::MatmulArgs<T> args;
    args.left = weight.data;
    args.left_stride = weight.stride;
    args.panels = panel;
    args.out = out_RK.data + column;
    args.out_stride = out_RK.stride;
    args.rows = weight.count;
    args.columns = std::min(kPanelColumns, head.head_size - column);
    args.depth = count;
    args.output = output;
    args.depth_band = band;
    args.next_panels = column + kPanelColumns < head.head_size ? panel + size : next;
    kernels::matmul(args);
  }
}

template <class T>
void attend_all(const HeadPanels<T>& head,
                float scale,
                Rows<const T> query_RK,
                Rows<float> out_RK,
                const TileScratch<T>& scratch) {
  const int64_t rows = query_RK.count;
  key_products(head, query_RK, {0, kernels::num_panels(head.num_keys)},
               {scratch.logits, scratch.stride, rows});
  for (int64_t r = 0; r < rows; ++r) {
    kernels::AttentionRow row;
    row.product = scratch.logits + r * scratch.stride;
    row.scale = scale;
    row.count = head.num_keys;
    kernels::attention_rows<T>().softmax(row, scratch.weights + r * scratch.stride);
  }
  weighted_values(head, {scratch.weights, scratch.stride, rows}, 0, head.num_keys, out_RK,
                  MatmulOutput::kStoreFloat);
}

template void key_products(
    const HeadPanels<float>&, Rows<const float>, Range, Rows<float>, kernels::Band, const float*);
template void key_products(const HeadPanels<Bfloat16>&,
                           Rows<const Bfloat16>,
                           Range,
                           Rows<float>,
                           kernels::Band,
                           const Bfloat16*);
template void weighted_values(const HeadPanels<float>&,
                              Rows<const float>,
                              int64_t,
                              int64_t,
                              Rows<float>,
                              MatmulOutput,
                              kernels::Band,
                              const float*);
template void weighted_values(const HeadPanels<Bfloat16>&,
                              Rows<const Bfloat16>,
                              int64_t,
                              int64_t,
                              Rows<float>,
                              MatmulOutput,
                              kernels::Band,
                              const Bfloat16*);
template void attend_all(
    const HeadPanels<float>&, float, Rows<const float>, Rows<float>, const TileScratch<float>&);
template void attend_all(const HeadPanels<Bfloat16>&,
                         float,
                         Rows<const Bfloat16>,
                         Rows<float>,
                         const TileScratch<Bfloat16>&);

}  // namespace brt
