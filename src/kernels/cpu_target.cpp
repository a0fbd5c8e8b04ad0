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

constexpr std::array<CpuTarget, 5> kTargets = {CpuTarget::kScalar, CpuTarget::kAvx512,
                                               CpuTarget::kAvx512Vnni, CpuTarget::kAvx512Bf16,
                                               CpuTarget::kAmx};
constexpr int kUnset = -1;

#if defined(__x86_64__) && defined(__linux__)
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

bool is_supported(CpuTarget target) {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  switch (target) {
    case CpuTarget::kScalar:
      return true;
    case CpuTarget::kAvx512:
      return avx512;
    case CpuTarget::kAvx512Vnni:
      return vnni;
    case CpuTarget::kAvx512Bf16:
      return vnni && __builtin_cpu_supports("avx512bf16");
    case CpuTarget::kAmx:
      return vnni && __builtin_cpu_supports("avx512bf16") && has_amx();
  }
#endif
  return target == CpuTarget::kScalar;
}

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

}  // namespace

std::string_view to_word(CpuTarget target) {
  switch (target) {
    case CpuTarget::kScalar:
      return "scalar";
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

}  // namespace brt::kernels
