#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times torch.ops.brt.window_attention beside what PyTorch offers for the same result on the CPU.

    python3 bench/window_attention.py build/release/lib/libbrt_torch_ops.so --json results.json

The same result: each token over the W tokens before it, a learned bias by distance and a learned scale per head, in
bfloat16. Peers, all in blocks of W queries over 2W keys:
  eager     matmul, bias, mask, softmax, matmul
  compiled  the same under torch.compile
  sdpa      scaled_dot_product_attention with bias and mask as one dense float mask; without a gradient this is
            PyTorch's flash kernel, with one its plain form, since the mask has a gradient
  flex      flex_attention under torch.compile, a score_mod that reads the bias: forward only, as it has no gradient
            for the CPU
Results are compared with float32 first; then forms take turns, round by round. Medians, and half of the distance
between the quartiles. Needs the LibTorch that brt was built with as `import torch`: tools/bench_peers.sh makes such a
Python in build/peers.
"""

import argparse
import json
import platform
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import flex_attention as flex

LIMIT = 5e-2  # of the greatest value: bfloat16 rounds logits and probabilities of the plain forms
NAMES = ("output", "gradient of query", "gradient of keys", "gradient of values", "gradient of bias",
         "gradient of scale")


# ---------------------------------------------------------------- the forms

def in_blocks(tensor, window, blocks, length):
  """[B, M, H, K] -> [B * T, H, length, K]: block t begins at t * window."""
  return torch.cat([tensor[:, t * window:t * window + length] for t in range(blocks)]).transpose(1, 2)


def from_blocks(out_THWK, lanes):
  """[T * B, H, W, K] -> [B, N, H, K]"""
  blocks = out_THWK.shape[0] // lanes
  return torch.cat([out_THWK[t * lanes:(t + 1) * lanes].transpose(1, 2) for t in range(blocks)], 1)


class Places:
  """Which keys of a block its queries see, and how far away they are."""

  def __init__(self, window):
    place_WJ = torch.arange(2 * window) - torch.arange(window)[:, None]  # 0: the oldest key seen
    self.hidden_WJ = (place_WJ < 0) | (place_WJ >= window)
    self.place_WJ = place_WJ.clamp(0, window - 1)

  def logits_of(self, bias_HW, scale_H):
    """Bias and mask as one addend, [H, W, 2W]."""
    scaled_HW = bias_HW * scale_H.abs()[:, None]
    return scaled_HW[:, self.place_WJ].masked_fill(self.hidden_WJ, float("-inf"))


def blocks_of(query, keys, values, window, scale):
  blocks = query.shape[1] // window
  scaled = (query * scale.abs()[:, None]).to(query.dtype)
  return (in_blocks(scaled, window, blocks, window), in_blocks(keys, window, blocks, 2 * window),
          in_blocks(values, window, blocks, 2 * window))


def eager_form(window, places):
  def attend(query, keys, values, bias, scale):
    query_THWK, keys_THJK, values_THJK = blocks_of(query, keys, values, window, scale)
    logits_THWJ = query_THWK @ keys_THJK.transpose(2, 3) + places.logits_of(bias, scale).to(query.dtype)
    return from_blocks(logits_THWJ.softmax(-1) @ values_THJK, query.shape[0])
  return attend


def sdpa_form(window, places):
  def attend(query, keys, values, bias, scale):
    query_THWK, keys_THJK, values_THJK = blocks_of(query, keys, values, window, scale)
    mask_HWJ = places.logits_of(bias, scale).to(query.dtype)
    out_THWK = F.scaled_dot_product_attention(query_THWK, keys_THJK, values_THJK, attn_mask=mask_HWJ[None], scale=1.0)
    return from_blocks(out_THWK, query.shape[0])
  return attend


def flex_form(window, tokens):
  """All tokens at once: the mask leaves out blocks of keys that nobody sees."""
  compiled = torch.compile(flex.flex_attention, dynamic=False)
  visible = lambda b, h, q, k: (k >= q) & (k - q < window)
  mask = flex.create_block_mask(visible, None, None, tokens, tokens + window, device="cpu")

  def attend(query, keys, values, bias, scale):
    bias_HW = bias * scale.abs()[:, None]
    add_bias = lambda score, b, h, q, k: score + bias_HW[h, (k - q).clamp(0, window - 1)]
    scaled = (query * scale.abs()[:, None]).to(query.dtype)
    out = compiled(scaled.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), score_mod=add_bias,
                   block_mask=mask, scale=1.0)
    return out.transpose(1, 2)
  return attend


def brt_form(window):
  return lambda query, keys, values, bias, scale: torch.ops.brt.window_attention(query, keys, values, window, bias,
                                                                                 scale)


def make_forms(window, tokens, wanted):
  places = Places(window)
  makers = {
      "brt": lambda: brt_form(window),
      "eager": lambda: eager_form(window, places),
      "compiled": lambda: torch.compile(eager_form(window, places), dynamic=False),
      "sdpa": lambda: sdpa_form(window, places),
      "flex": lambda: flex_form(window, tokens),
  }
  return {name: make() for name, make in makers.items() if name == "brt" or name in wanted}


# ---------------------------------------------------------------- what is timed

def arguments(window, heads, a, dtype):
  torch.manual_seed(0)
  unit = lambda x: x / x.norm(dim=-1, keepdim=True)
  query = unit(torch.randn(a.lanes, a.tokens, heads, a.head_size)).to(dtype)
  keys = unit(torch.randn(a.lanes, window + a.tokens, heads, a.head_size)).to(dtype)
  values = torch.randn(a.lanes, window + a.tokens, heads, a.head_size).to(dtype)
  bias, scale = torch.randn(heads, window), 1 + 3 * torch.rand(heads)
  return [tensor.requires_grad_() for tensor in (query, keys, values, bias, scale)]


def forward(form, tensors, _):
  with torch.no_grad():
    return [form(*(tensor.detach() for tensor in tensors))]


def forward_and_backward(form, tensors, out_gradient):
  out = form(*tensors)
  return [out.detach(), *torch.autograd.grad(out, tensors, out_gradient.to(out.dtype))]


MODES = {"forward": forward, "forward and backward": forward_and_backward}


def working(forms, mode, tensors, out_gradient, want):
  """The forms that give the wanted result, and why the others do not."""
  sound, why_not = {}, {}
  for name, form in forms.items():
    try:
      results = MODES[mode](form, tensors, out_gradient)
      for what, got, exact in zip(NAMES, results, want):
        error = ((got.float() - exact).abs().max() / exact.abs().max()).item()
        if not error < LIMIT:
          raise ValueError(f"{what} differs by {error:.1e}")
      sound[name] = form
    except Exception as error:  # what a form raises is reported, whatever it is
      why_not[name] = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
  if "brt" not in sound:
    raise SystemExit(f"brt, {mode}: {why_not['brt']}")
  return sound, why_not


def measure(forms, mode, tensors, out_gradient, repetitions):
  seconds = {name: [] for name in forms}
  for _ in range(repetitions):
    for name, form in forms.items():
      start = time.perf_counter()
      MODES[mode](form, tensors, out_gradient)
      seconds[name].append(time.perf_counter() - start)
  return seconds


def spread(seconds):
  low, middle, high = statistics.quantiles(seconds, n=4)
  return (high - low) / 2 / middle


def compare(window, heads, a):
  """One record per mode."""
  tensors = arguments(window, heads, a, torch.bfloat16)
  out_gradient = torch.randn(a.lanes, a.tokens, heads, a.head_size)
  forms = make_forms(window, a.tokens, a.peers)
  exact = [tensor.detach().float().requires_grad_() for tensor in tensors]
  records = []
  for mode in MODES:
    want = MODES[mode](eager_form(window, Places(window)), exact, out_gradient)
    peers = {name: form for name, form in forms.items() if mode == "forward" or name != "flex"}
    sound, why_not = working(peers, mode, tensors, out_gradient, want)
    seconds = measure(sound, mode, tensors, out_gradient, a.repetitions)
    records.append({"window": window, "heads": heads, "mode": mode, "seconds": seconds, "left_out": why_not})
    print_record(records[-1])
  return records


def print_record(record):
  medians = {name: statistics.median(times) for name, times in record["seconds"].items()}
  cells = [f"{name} {medians[name] * 1e3:.1f} +- {100 * spread(times):.0f} %"
           for name, times in record["seconds"].items()]
  others = {name: median for name, median in medians.items() if name != "brt"}
  best = min(others, key=others.get, default=None)
  times = "" if best is None else f"; {others[best] / medians['brt']:.2f} times {best}"
  print(f"W {record['window']:4} H {record['heads']} {record['mode']:20} ms: {', '.join(cells)}{times}", flush=True)
  for name, reason in record["left_out"].items():
    print(f"    without {name}: {reason}", flush=True)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("library", help="libbrt_torch_ops.so")
  parser.add_argument("--windows", type=int, nargs="+", default=[128, 512, 1024])
  parser.add_argument("--heads", type=int, nargs="+", default=[4, 8])
  parser.add_argument("--head-size", type=int, default=64)
  parser.add_argument("--tokens", type=int, default=4096, help="a multiple of each window")
  parser.add_argument("--lanes", type=int, default=1)
  parser.add_argument("--peers", nargs="*", default=["eager", "compiled", "sdpa", "flex"])
  parser.add_argument("--repetitions", type=int, default=9)
  parser.add_argument("--json", help="write every time measured to this file")
  a = parser.parse_args()
  if a.repetitions < 2 or any(a.tokens % window for window in a.windows):
    parser.error("at least two repetitions are needed, and --tokens must be a multiple of each window")
  torch.ops.load_library(a.library)
  print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}, "
        f"{a.lanes} lanes, {a.tokens} tokens, head size {a.head_size}, bfloat16, {a.repetitions} repetitions")
  records = [record for window in a.windows for heads in a.heads for record in compare(window, heads, a)]
  if a.json:
    with open(a.json, "w") as file:
      json.dump({"torch": torch.__version__, "threads": torch.get_num_threads(), "tokens": a.tokens, "lanes": a.lanes,
                 "head_size": a.head_size, "records": records}, file, indent=1)
  return 0


if __name__ == "__main__":
  sys.exit(main())
