#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""brt's window attention in PyTorch, against the same mathematics in plain tensor operations.

    python3 examples/python/window_attention.py build/release/lib/libbrt_torch_ops.so

Needs the LibTorch that brt was built with as `import torch`. Prints how far output and gradients
are apart and how long both take; exits with 1 if they differ.
"""

import sys
import time

import torch

LANES, TOKENS, HEADS, HEAD_SIZE, WINDOW = 1, 1024, 4, 64, 256
LIMIT = 1e-4


def plain_window_attention(query, keys, values, window, bias, scale):
  """Each token over the `window` tokens before it, all pairs computed and masked."""
  tokens, all_keys = query.shape[1], keys.shape[1]
  place = torch.arange(all_keys) - torch.arange(tokens)[:, None]  # 0: the oldest key seen
  visible = (place >= 0) & (place < window)
  logits = torch.einsum("bnhk,bmhk->bhnm", query, keys) + bias[:, place.clamp(0, window - 1)]
  logits = (logits * scale.abs()[:, None, None]).masked_fill(~visible, float("-inf"))
  return torch.einsum("bhnm,bmhk->bnhk", logits.softmax(-1), values)


def arguments():
  torch.manual_seed(0)
  unit = lambda x: x / x.norm(dim=-1, keepdim=True)
  query = unit(torch.randn(LANES, TOKENS, HEADS, HEAD_SIZE))
  keys = unit(torch.randn(LANES, WINDOW + TOKENS, HEADS, HEAD_SIZE))
  values = torch.randn(LANES, WINDOW + TOKENS, HEADS, HEAD_SIZE)
  bias = torch.randn(HEADS, WINDOW)
  scale = 1 + torch.rand(HEADS)
  return [tensor.requires_grad_() for tensor in (query, keys, values, bias, scale)]


def run(attention):
  query, keys, values, bias, scale = tensors = arguments()
  start = time.perf_counter()
  out = attention(query, keys, values, WINDOW, bias, scale)
  (out * out.detach().sin()).sum().backward()
  return [out.detach()] + [tensor.grad for tensor in tensors], time.perf_counter() - start


def main():
  torch.ops.load_library(sys.argv[1])
  ours, _ = run(torch.ops.brt.window_attention)
  plain, _ = run(plain_window_attention)
  names = ["output"] + [f"gradient of {name}" for name in ("query", "keys", "values", "bias", "scale")]
  worst = 0.0
  for name, got, want in zip(names, ours, plain):
    error = ((got - want).abs().max() / want.abs().max().clamp_min(1)).item()
    worst = max(worst, error)
    print(f"{name:20} differs by {error:.1e}")
  meta = [tensor.detach().to("meta") for tensor in arguments()]
  shape = torch.ops.brt.window_attention(*meta[:3], WINDOW, *meta[3:]).shape
  assert shape == meta[0].shape, shape
  for name, attention in (("brt", torch.ops.brt.window_attention), ("plain", plain_window_attention)):
    print(f"{name:20} {min(run(attention)[1] for _ in range(5)) * 1e3:.1f} ms forward and backward")
  return 0 if worst < LIMIT else 1


if __name__ == "__main__":
  sys.exit(main())
