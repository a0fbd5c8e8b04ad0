// SPDX-License-Identifier: Apache-2.0
// Which instruction set the kernels run on.
#pragma once

#include <string_view>
#include <vector>

namespace brt::kernels {

/// Of one architecture, a later target is the faster one.
enum class CpuTarget {
  kScalar,      ///< every machine: the least that its compiler assumes
  kNeon,        ///< 64-bit Arm
  kAvx2,        ///< AVX2, FMA and F16C; bfloat16 is widened to float32 first, here and below
  kAvx2Vnni,    ///< and AVX-VNNI: products of bytes
  kAvx512,      ///< AVX-512 F, BW, DQ, VL
  kAvx512Vnni,  ///< and vpdpbusd: products of bytes
  kAvx512Bf16,  ///< and vdpbf16ps: products of bfloat16 pairs
  kAmx,         ///< and AMX tiles: products of bfloat16 and of bytes
};

/// "scalar", "neon", "avx2", "avx2vnni", "avx512", "avx512vnni", "avx512bf16", "amx".
std::string_view to_word(CpuTarget target);

/// Targets that this CPU runs; the fastest comes last.
std::vector<CpuTarget> supported_targets();

/// The target in use: the fastest that is supported, or what BRT_CPU_TARGET names. Looked up once.
/// @throws ConfigError if BRT_CPU_TARGET is unknown or not supported by this CPU.
CpuTarget cpu_target();

/// Changes the target for this process: for tests and benchmarks. @throws ConfigError if not
/// supported.
void force_cpu_target(CpuTarget target);

/// Lets all kernels of this process compute as the scalar target does, or no longer: no fused
/// multiply-adds, products in float32 and in whole numbers, each sum in one order, so that results
/// have the same bits on every machine. To be called while nothing computes, before weights are
/// packed.
void use_portable_arithmetic(bool portable);
bool is_arithmetic_portable();

inline constexpr std::string_view kPortableArithmetic = "portable";
/// What results depend on, bit by bit: the target's word, or "portable".
std::string_view arithmetic_name();

}  // namespace brt::kernels
