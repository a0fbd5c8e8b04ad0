// SPDX-License-Identifier: Apache-2.0
// Detection of the CPU's features and the choice among them.
#include "kernels/cpu_target.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include <fmt/format.h>

#include "base/error.h"

namespace brt::kernels {
namespace {

constexpr std::array<CpuTarget, 8> kTargets = {
    CpuTarget::kScalar, CpuTarget::kNeon,       CpuTarget::kAvx2,       CpuTarget::kAvx2Vnni,
    CpuTarget::kAvx512, CpuTarget::kAvx512Vnni, CpuTarget::kAvx512Bf16, CpuTarget::kAmx};
constexpr int kUnset = -1;

#if defined(__x86_64__)
#if defined(__linux__)
/// AMX tiles for bfloat16 and bytes: CPUID leaf 7, EDX bits 22, 24 and 25.
bool cpu_has_tiles() {
  unsigned int eax = 0;
  unsigned int ebx = 0;
  unsigned int ecx = 0;
  unsigned int edx = 0;
  constexpr unsigned int kTiles = (1U << 22) | (1U << 24) | (1U << 25);
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTiles) == kTiles;
}

/// Linux keeps a process's tiles over a change of threads only if it has asked for that.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>
  constexpr long kTileData = 18;               // the bit of XSAVE's mask
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool has_amx() {
  static const bool has = cpu_has_tiles() && may_use_tiles();
  return has;
}
#else
bool has_amx() { return false; }
#endif

/// CPUID leaf 7, subleaf 1, EAX bit 4; g++ 12 knows no name for it.
bool has_avx_vnni() {
  unsigned int eax = 0;
  unsigned int ebx = 0;
  unsigned int ecx = 0;
  unsigned int edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1U << 4)) != 0;
}

bool is_supported(CpuTarget target) {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  switch (target) {
    case CpuTarget::kScalar:
      return true;
    case CpuTarget::kNeon:
      return false;
    case CpuTarget::kAvx2:
      return avx2;
    case CpuTarget::kAvx2Vnni:
      return avx2 && has_avx_vnni();
    case CpuTarget::kAvx512:
      return avx512;
    case CpuTarget::kAvx512Vnni:
      return vnni;
    case CpuTarget::kAvx512Bf16:
      return vnni && __builtin_cpu_supports("avx512bf16");
    case CpuTarget::kAmx:
      return vnni && __builtin_cpu_supports("avx512bf16") && has_amx();
  }
  return false;
}
#elif defined(__aarch64__)
bool is_supported(CpuTarget target) {
  return target == CpuTarget::kScalar || target == CpuTarget::kNeon;
}
#else
bool is_supported(CpuTarget target) { return target == CpuTarget::kScalar; }
#endif

std::string supported_words() {
  std::string words;
  for (const CpuTarget target : supported_targets()) {
    words += (words.empty() ? "" : ", ") + std::string(to_word(target));
  }
  return words;
}

CpuTarget chosen_target() {
  const char* wanted = std::getenv("BRT_CPU_TARGET");
  if (wanted == nullptr || *wanted == '\0') {
    return supported_targets().back();
  }
  for (const CpuTarget target : kTargets) {
    if (to_word(target) == wanted) {
      if (!is_supported(target)) {
        throw ConfigError(fmt::format("BRT_CPU_TARGET: this CPU does not run '{}'", wanted),
                          "it runs " + supported_words());
      }
      return target;
    }
  }
  throw ConfigError(fmt::format("BRT_CPU_TARGET: unknown target '{}'", wanted),
                    "this CPU runs " + supported_words());
}

std::atomic<int>& current_target() {
  static std::atomic<int> target = kUnset;
  return target;
}

std::atomic<bool>& portable_arithmetic() {
  static std::atomic<bool> portable = false;
  return portable;
}

}  // namespace

std::string_view to_word(CpuTarget target) {
  switch (target) {
    case CpuTarget::kScalar:
      return "scalar";
    case CpuTarget::kNeon:
      return "neon";
    case CpuTarget::kAvx2:
      return "avx2";
    case CpuTarget::kAvx2Vnni:
      return "avx2vnni";
    case CpuTarget::kAvx512:
      return "avx512";
    case CpuTarget::kAvx512Vnni:
      return "avx512vnni";
    case CpuTarget::kAvx512Bf16:
      return "avx512bf16";
    case CpuTarget::kAmx:
      return "amx";
  }
  throw ConfigError("kernels: unknown target");
}

std::vector<CpuTarget> supported_targets() {
  std::vector<CpuTarget> supported;
  std::ranges::copy_if(kTargets, std::back_inserter(supported), is_supported);
  return supported;
}

CpuTarget cpu_target() {
  int target = current_target().load(std::memory_order_relaxed);
  if (target == kUnset) {
    target = static_cast<int>(chosen_target());
    current_target().store(target, std::memory_order_relaxed);
  }
  return static_cast<CpuTarget>(target);
}

void force_cpu_target(CpuTarget target) {
  if (!is_supported(target)) {
    throw ConfigError(fmt::format("kernels: this CPU does not run '{}'", to_word(target)));
  }
  current_target().store(static_cast<int>(target), std::memory_order_relaxed);
}

void use_portable_arithmetic(bool portable) {
  portable_arithmetic().store(portable, std::memory_order_relaxed);
}

bool is_arithmetic_portable() { return portable_arithmetic().load(std::memory_order_relaxed); }

std::string_view arithmetic_name() {
  return is_arithmetic_portable() ? kPortableArithmetic : to_word(cpu_target());
}

}  // namespace brt::kernels
