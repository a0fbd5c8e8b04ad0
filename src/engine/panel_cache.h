// SPDX-License-Identifier: Apache-2.0
// Single keys and values in the panels that attention reads them from.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/panels.h"

namespace brt {

/// Sets column `token` of keys^T [head_size, tokens].
template <class T>
void write_key(T* panels, int64_t head_size, int64_t token, const T* key_K) {
  T* panel = panels + token / kernels::kPanelColumns * kernels::panel_size(head_size, panels);
  for (int64_t k = 0; k < head_size; ++k) {
    panel[kernels::panel_index(k, token % kernels::kPanelColumns, panels)] = key_K[k];
  }
}

/// Sets row `token` of values [num_tokens, head_size].
template <class T>
void write_value(
    T* panels, int64_t head_size, int64_t num_tokens, int64_t token, const T* value_K) {
  for (int64_t first = 0; first < head_size; first += kernels::kPanelColumns) {
    const int64_t columns = std::min(head_size - first, kernels::kPanelColumns);
    for (int64_t column = 0; column < columns; ++column) {
      panels[kernels::panel_index(token, column, panels)] = value_K[first + column];
    }
    panels += kernels::panel_size(num_tokens, panels);
  }
}

template <class T>
void read_key(const T* panels, int64_t head_size, int64_t token, float* key_K) {
  const T* panel = panels + token / kernels::kPanelColumns * kernels::panel_size(head_size, panels);
  for (int64_t k = 0; k < head_size; ++k) {
    key_K[k] =
        kernels::to_float(panel[kernels::panel_index(k, token % kernels::kPanelColumns, panels)]);
  }
}

template <class T>
void read_value(
    const T* panels, int64_t head_size, int64_t num_tokens, int64_t token, float* value_K) {
  const int64_t size = kernels::panel_size(num_tokens, panels);
  for (int64_t k = 0; k < head_size; ++k) {
    const T* panel = panels + k / kernels::kPanelColumns * size;
    value_K[k] =
        kernels::to_float(panel[kernels::panel_index(token, k % kernels::kPanelColumns, panels)]);
  }
}

}  // namespace brt
