# SPDX-License-Identifier: Apache-2.0
"""Shared by every peer script: model sizes, FLOP count, and a careful stopwatch.

Standard library only, so that it runs in any of the peers' environments.
"""

import dataclasses
import json
import os
import resource
import time


@dataclasses.dataclass(frozen=True)
class Size:
  name: str
  D: int      # width
  L: int      # layers
  H: int      # heads
  K: int      # head size
  F: int      # FFN width
  W: int      # window = block
  N: int      # segment
  S: int      # recurrent states
  V: int      # vocabulary
  rec: int    # recurrent layer (0-based)
  B: int      # batch


# The sizes of `brt` of these names, with the batch and the vocabulary of the comparison.
SIZES = {
    "small": Size("small", 256, 6, 4, 64, 1024, 128, 1024, 128, 4096, 3, 4),
    "medium": Size("medium", 512, 12, 8, 64, 2048, 512, 4096, 512, 32000, 9, 1),
    "150m": Size("150m", 1024, 12, 8, 128, 4096, 512, 4096, 512, 32000, 9, 1),
    # for checking that everything runs; its figures mean nothing
    "tiny": Size("tiny", 32, 2, 2, 16, 64, 16, 64, 16, 512, 1, 2),
}


def forward_flops_per_token(s, recurrent=True, layers=None):
  """Multiply-adds x 2 of the matrix products only; each query sees exactly W keys.

  This is the count of the model as defined (no masked-out half, no softmax or
  norms), with config "skip". A training step is counted as 3 x this.
  """
  layers = layers or s.L
  hk = s.H * s.K
  per_layer = 2 * (4 * s.D * hk + 2 * s.D * s.F) + 4 * hk * s.W
  total = layers * per_layer + 2 * s.D * s.V
  if recurrent:
    total += 2 * (s.D * hk + hk * s.D) + 4 * hk * s.S        # q2, wider Wo, tokens over states
    per_block = (2 * 4 * s.D * hk * s.S                      # states' k, v, q, q2
                 + 2 * 2 * hk * s.D * s.S                    # [rs; re] Wo'
                 + 4 * hk * s.S * s.S                        # states over states
                 + 4 * hk * 2 * s.W * s.S)                   # states over 2W tokens
    total += per_block / s.W
  return total


# ---------------------------------------------------------------- stopwatch

def _busy_jiffies():
  with open("/proc/stat") as f:
    v = [int(x) for x in f.readline().split()[1:]]
  return sum(v) - v[3] - v[4]   # all but idle and iowait; steal counts as busy


_HZ = os.sysconf("SC_CLK_TCK")


def _own_cpu():
  t = os.times()
  return t.user + t.system + t.children_user + t.children_system


class OthersLoad:
  """Cores kept busy by everything except this process and its finished children, from here to now()."""

  def __init__(self):
    self.busy, self.own, self.begin = _busy_jiffies(), _own_cpu(), time.time()

  def now(self):
    seconds = time.time() - self.begin
    return max(0.0, ((_busy_jiffies() - self.busy) / _HZ - (_own_cpu() - self.own)) / seconds)


def peak_rss_mib():
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


SLOW_STEP_S = 5.0   # a longer step pays its first touch of memory within itself; src/benchmark/benchmark.cpp does the same


def measure(step, steps=3, warmup=1, budget_s=120.0):
  """Times step() (which must block until done) after warmup + 1 steps, and one more of quick ones. Returns statistics.

  Stops early when budget_s is used up, but not before one step. Waiting until the machine is quiet is
  the caller's business (bench/compare.py).
  """
  begin = time.time()
  last_s = 0.0
  for _ in range(warmup + 1):
    t0 = time.time()
    step()
    last_s = time.time() - t0
  if last_s < SLOW_STEP_S:
    step()
  warm_s = time.time() - begin
  walls = []
  begin = time.time()
  for _ in range(steps):
    t0 = time.perf_counter()
    step()
    walls.append(time.perf_counter() - t0)
    if time.time() - begin > budget_s:
      break
  return {"walls_s": walls, "warm_s": round(warm_s, 2), "peak_rss_mib": round(peak_rss_mib())}


def allocator():
  pre = os.environ.get("LD_PRELOAD", "")
  if "jemalloc" in pre:
    return "jemalloc"
  if "tcmalloc" in pre:
    return "tcmalloc"
  if "hugetlb" in os.environ.get("GLIBC_TUNABLES", ""):
    return "glibc-tuned+thp" if "MALLOC_MMAP_THRESHOLD_" in os.environ else "glibc+thp"
  return "glibc-tuned" if "MALLOC_MMAP_THRESHOLD_" in os.environ else "glibc"


def report(**fields):
  """One JSON line to stdout."""
  print(json.dumps({"alloc": allocator(), **fields}), flush=True)


def rates(size, stats, tokens, train, recurrent=True, layers=None):
  f = forward_flops_per_token(size, recurrent, layers) * (3 if train else 1)
  return {"rates": [tokens / wall for wall in stats["walls_s"]], "flops_per_token": f}
