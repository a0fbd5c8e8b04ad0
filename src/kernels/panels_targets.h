// SPDX-License-Identifier: Apache-2.0
// The functions of kernels/panels.h, one set per CPU target.
#pragma once

#include "kernels/panels.h"

namespace brt::kernels {

struct PanelFunctions {
  template <class Source, class T>
  using Pack = void (*)(const PackArgs<Source, T>& args, int64_t begin, int64_t end);

  Pack<float, float> rows_float;
  Pack<float, Bfloat16> rows_rounded;
  Pack<Bfloat16, Bfloat16> rows_bfloat16;
  Pack<float, float> columns_float;
  Pack<float, Bfloat16> columns_rounded;
  Pack<Bfloat16, Bfloat16> columns_bfloat16;
  void (*transpose_float)(const TransposeArgs<float>& args);
  void (*transpose_bfloat16)(const TransposeArgs<Bfloat16>& args);
};

const PanelFunctions& panels_scalar();
const PanelFunctions& panels_avx512();

}  // namespace brt::kernels
