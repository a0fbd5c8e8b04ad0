# SPDX-License-Identifier: Apache-2.0
"""What holds brt and its peers to the instructions of one CPU target (src/kernels/cpu_target.h) of x86-64.

Standard library only.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Target:
  torch: str      # ATEN_CPU_CAPABILITY: LibTorch's own kernels, those of torch.compile too; "": no limit
  onednn: str     # DNNL_MAX_CPU_ISA
  mkl: str        # MKL_ENABLE_INSTRUCTIONS: products in float32
  xla: str        # --xla_cpu_max_isa
  march: str      # TORCHINDUCTOR_CPP_MARCH: what the compiler behind torch.compile may use
  has_bf16: bool  # products of bfloat16; elsewhere a peer is fastest in float32
  speed: float    # of products, to plan with: as a part of that with AVX-512


# From the slowest to the fastest, by the names of BRT_CPU_TARGET. On a CPU with AMX torch.compile lets the compiler use it
# under all names of AVX-512; it has no use for it in what is compiled here.
TARGETS = {
    "scalar": Target("default", "SSE41", "SSE4_2", "SSE4_2", "x86-64-v2", False, 0.12),
    "avx2": Target("avx2", "AVX2", "AVX2", "AVX2", "x86-64-v3", False, 0.5),
    "avx2vnni": Target("avx2", "AVX2_VNNI", "AVX2", "AVX2", "x86-64-v3", False, 0.5),
    "avx512": Target("avx512", "AVX512_CORE", "AVX512", "AVX512", "x86-64-v4", False, 0.8),
    "avx512vnni": Target("avx512", "AVX512_CORE_VNNI", "AVX512", "AVX512_VNNI", "x86-64-v4", False, 0.8),
    "avx512bf16": Target("avx512", "AVX512_CORE_BF16", "AVX512", "AVX512_BF16", "x86-64-v4", True, 1.0),
    "amx": Target("", "", "", "", "", True, 1.0),
}


def peer_environment(name):
  """What a peer finds in its environment; nothing for amx and for "", the machine's own target."""
  if not name or not TARGETS[name].torch:
    return {}
  of = TARGETS[name]
  return {"ATEN_CPU_CAPABILITY": of.torch, "DNNL_MAX_CPU_ISA": of.onednn, "MKL_ENABLE_INSTRUCTIONS": of.mkl,
          "XLA_FLAGS": f"--xla_cpu_max_isa={of.xla}", "TORCHINDUCTOR_CPP_MARCH": of.march}


def brt_environment(name):
  """The kernels' target, and the same limits for what brt leaves to LibTorch. oneDNN is left alone: it computes nothing
  of what is measured, but the bfloat16 product beside it, which takes seconds without AVX-512."""
  kept = ("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
  limits = {key: value for key, value in peer_environment(name).items() if key in kept}
  return {"BRT_CPU_TARGET": name, **limits} if name else {}
