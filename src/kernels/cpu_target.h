// SPDX-License-Identifier: Apache-2.0
// Which instruction set the kernels run on.
#pragma once

#include <string_view>
#include <vector>

namespace brt::kernels {

/// Each target's instructions include those of the ones before it.
enum class CpuTarget {
  kScalar,      ///< plain C++: every machine
  kAvx512,      ///< AVX-512 F, BW, DQ, VL: bfloat16 is widened to float32 first
  kAvx512Vnni,  ///< and vpdpbusd: products of bytes
  kAvx512Bf16,  ///< and vdpbf16ps: products of bfloat16 pairs
  kAmx,         ///< and AMX tiles: products of bfloat16 and of bytes
};

/// "scalar", "avx512", "avx512vnni", "avx512bf16", "amx".
std::string_view to_word(CpuTarget target);

/// Targets that this CPU runs; the fastest comes last.
std::vector<CpuTarget> supported_targets();

/// The target in use: the fastest that is supported, or what BRT_CPU_TARGET names. Looked up once.
/// @throws ConfigError if BRT_CPU_TARGET is unknown or not supported by this CPU.
CpuTarget cpu_target();

/// Changes the target for this process: for tests and benchmarks. @throws ConfigError if not
/// supported.
void force_cpu_target(CpuTarget target);

}  // namespace brt::kernels
