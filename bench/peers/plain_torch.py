# SPDX-License-Identifier: Apache-2.0
"""What a PyTorch user would write: speed of plain models of the same sizes on this CPU.

    python plain_torch.py --size medium --model brt --variant compile --precision bf16 --mode train

Models (pre-norm, RMSNorm, ReLU FFN, tied table, no dropout; all in one file, no custom kernels):
  gpt     decoder-only, causal F.scaled_dot_product_attention over the whole segment (nanoGPT-like), no cache
  slide   sliding window: blocks of W queries over 2W keys (previous and own block) by F.scaled_dot_product_attention
          with a boolean mask; previous segment's keys and values cached. No position bias.
  slide+1 the same with one layer more
  brt     slide + the paper's recurrent layer (gate fixed, config skip, unit keys and queries there)
"""

import argparse
import contextlib

import torch
import torch.nn.functional as F
from torch import nn

import common

p = argparse.ArgumentParser()
p.add_argument("--size", default="small", choices=common.SIZES)
p.add_argument("--model", default="brt", choices=["gpt", "slide", "slide+1", "brt"])
p.add_argument("--variant", default="eager", choices=["eager", "compile"])
p.add_argument("--precision", default="bf16", choices=["fp32", "bf16", "bf16-weights"],
               help="bf16 = torch.autocast over fp32 weights; bf16-weights = everything bf16 (decode, eval)")
p.add_argument("--mode", default="train", choices=["train", "eval", "decode", "read"])
p.add_argument("--steps", type=int, default=3)
p.add_argument("--budget", type=float, default=120)
p.add_argument("--threads", type=int, default=0)
p.add_argument("--prompt", type=int, default=1024)
p.add_argument("--tokens", type=int, default=0, help="decode: tokens per timed call; 0: a window, with one state update")
p.add_argument("--loss-chunks", type=int, default=1, help="cross-entropy over this many pieces of the segment")
a = p.parse_args()
s = common.SIZES[a.size]
a.tokens = a.tokens or s.W
if a.threads:
  torch.set_num_threads(a.threads)


def unit(x):
  return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-6)


def heads(x):      # [B, T, H*K] -> [B, H, T, K]
  return x.view(x.shape[0], x.shape[1], s.H, s.K).transpose(1, 2)


def merge(x):      # [B, H, T, K] -> [B, T, H*K]
  return x.transpose(1, 2).flatten(2)


class States(nn.Module):
  def __init__(self):
    super().__init__()
    self.norm = nn.RMSNorm(s.D, eps=1e-6)
    self.ids = nn.Parameter(torch.randn(s.S, s.D))
    self.initial = nn.Parameter(0.1 * torch.randn(s.S, s.D))
    self.kvq = nn.Linear(s.D, 4 * s.H * s.K, bias=False)
    self.out = nn.Linear(2 * s.H * s.K, s.D, bias=False)
    self.gate = nn.Parameter(0.1 * torch.randn(s.D))
    self.scale = nn.Parameter(torch.ones(2, s.H, 1, 1))

  def keys(self, c):
    k, v, qs, qe = (heads(x) for x in self.kvq(self.norm(c) + self.ids).chunk(4, -1))
    return unit(k), v, unit(qs), unit(qe)

  def next(self, c, ks, vs, qs, qe, ke, ve):
    rs = F.scaled_dot_product_attention(qs * self.scale[0].abs(), ks, vs, scale=1.0)
    re = F.scaled_dot_product_attention(qe * self.scale[1].abs(), ke, ve, scale=1.0)
    z = self.out(torch.cat((merge(rs), merge(re)), -1))
    g = torch.sigmoid(self.gate)
    return c * g + z * (1 - g)


class Layer(nn.Module):
  def __init__(self, recurrent):
    super().__init__()
    hk = s.H * s.K
    self.recurrent = recurrent
    self.norm1, self.norm2 = nn.RMSNorm(s.D, eps=1e-6), nn.RMSNorm(s.D, eps=1e-6)
    self.kvq = nn.Linear(s.D, (4 if recurrent else 3) * hk, bias=False)
    self.out = nn.Linear((2 if recurrent else 1) * hk, s.D, bias=False)
    self.up, self.down = nn.Linear(s.D, s.F, bias=False), nn.Linear(s.F, s.D, bias=False)
    if recurrent:
      self.states = States()
      self.scale2 = nn.Parameter(torch.ones(s.H, 1, 1))

  def forward(self, x, cache, mask):
    """cache: None (gpt) or (k, v, c): the previous block's keys and values, and the state."""
    k, v, q, *q2 = (heads(t) for t in self.kvq(self.norm1(x)).chunk(4 if self.recurrent else 3, -1))
    if cache is None:
      y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
      new = None
    else:
      B, T = x.shape[0], x.shape[1]
      kk, vv = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
      n = max(1, T // s.W)
      if n == 1:
        ks, vs = [kk], [vv]
        y = F.scaled_dot_product_attention(q, kk, vv, attn_mask=mask)
      else:
        ks = [kk[:, :, i * s.W:(i + 2) * s.W] for i in range(n)]
        vs = [vv[:, :, i * s.W:(i + 2) * s.W] for i in range(n)]
        qb = q.view(B, s.H, n, s.W, s.K).transpose(1, 2).reshape(B * n, s.H, s.W, s.K)
        kb, vb = torch.stack(ks, 1).flatten(0, 1), torch.stack(vs, 1).flatten(0, 1)
        y = F.scaled_dot_product_attention(qb, kb, vb, attn_mask=mask)
        y = y.view(B, n, s.H, s.W, s.K).transpose(1, 2).reshape(B, s.H, T, s.K)
      c = cache[2]
      if self.recurrent:
        q2 = unit(q2[0]) * self.scale2.abs()
        parts = []
        for i in range(n):
          rk, rv, qs, qe = self.states.keys(c)
          parts.append(F.scaled_dot_product_attention(q2[:, :, i * s.W:(i + 1) * s.W], rk, rv, scale=1.0))
          c = self.states.next(c, rk, rv, qs, qe, unit(ks[i]), vs[i])
        y = torch.cat((merge(y), merge(torch.cat(parts, 2))), -1)
      else:
        y = merge(y)
      new = (k[:, :, -s.W:].detach(), v[:, :, -s.W:].detach(), None if c is None else c.detach())
    x = x + self.out(y if cache is not None else merge(y))
    return x + self.down(F.relu(self.up(self.norm2(x)))), new

  def one(self, x, cache, mask, slot, rk, rv):
    """One token; cache holds W keys and values in a ring, written in place at `slot`."""
    k, v, q, *q2 = (heads(t) for t in self.kvq(self.norm1(x)).chunk(4 if self.recurrent else 3, -1))
    cache[0].index_copy_(2, slot, k)
    cache[1].index_copy_(2, slot, v)
    y = merge(F.scaled_dot_product_attention(q, cache[0], cache[1], attn_mask=mask))
    if self.recurrent:
      y = torch.cat((y, merge(F.scaled_dot_product_attention(unit(q2[0]) * self.scale2.abs(), rk, rv, scale=1.0))), -1)
    x = x + self.out(y)
    return x + self.down(F.relu(self.up(self.norm2(x))))


class Model(nn.Module):
  def __init__(self):
    super().__init__()
    self.embed = nn.Embedding(s.V, s.D)
    depth = s.L + (a.model == "slide+1")
    self.layers = nn.ModuleList(Layer(a.model == "brt" and i == s.rec) for i in range(depth))
    self.norm = nn.RMSNorm(s.D, eps=1e-6)
    i, j = torch.arange(s.W)[:, None] + s.W, torch.arange(2 * s.W)[None]
    self.register_buffer("mask", (i - j >= 0) & (i - j <= s.W), persistent=False)   # own token visible

  def begin(self, batch, dtype):
    if a.model == "gpt":
      return [None] * len(self.layers)
    z = torch.zeros(batch, s.H, s.W, s.K, dtype=dtype)
    return [(z, z.clone(), l.states.initial.detach().expand(batch, -1, -1).clone() if l.recurrent else None)
            for l in self.layers]

  def forward(self, tokens, targets, caches):
    x = self.embed(tokens)
    new = []
    for layer, cache in zip(self.layers, caches):
      x, c = layer(x, cache, self.mask)
      new.append(c)
    x = self.norm(x)
    loss = 0.0
    for xs, ts in zip(x.chunk(a.loss_chunks, 1), targets.chunk(a.loss_chunks, 1)):
      logits = F.linear(xs, self.embed.weight) * s.D ** -0.5
      loss = loss + F.cross_entropy(logits.flatten(0, 1).float(), ts.flatten(), reduction="sum")
    return loss / targets.numel(), new

  def read(self, tokens, caches):
    """A prompt's segment: what generation needs of it, the most likely next token included."""
    x = self.embed(tokens)
    new = []
    for layer, cache in zip(self.layers, caches):
      x, c = layer(x, cache, self.mask)
      new.append(c)
    return F.linear(self.norm(x[:, -1:]), self.embed.weight).argmax(-1), new

  def one(self, token, caches, mask, slot, rk, rv):
    x = self.embed(token)
    for layer, cache in zip(self.layers, caches):
      x = layer.one(x, cache, mask, slot, rk, rv)
    return F.linear(self.norm(x), self.embed.weight).argmax(-1)


torch.manual_seed(0)
model = Model()
if a.precision == "bf16-weights":
  model = model.to(torch.bfloat16)
count = sum(x.numel() for x in model.parameters())
cast = lambda: torch.autocast("cpu", torch.bfloat16) if a.precision == "bf16" else contextlib.nullcontext()
gen = torch.Generator().manual_seed(0)
batch = lambda n: torch.randint(1, s.V, (s.B, n), generator=gen)
extra = {}
kv_dtype = torch.float32 if a.precision == "fp32" else torch.bfloat16
warmup = 1 if a.variant == "compile" else 0   # the second call may compile again

if a.mode in ("train", "eval"):
  run = torch.compile(model) if a.variant == "compile" else model
  caches = model.begin(s.B, kv_dtype)
  if a.mode == "train":
    opt = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

  def step():
    global caches
    t = batch(s.N + 1)
    if a.mode == "train":
      with cast():
        loss, caches = run(t[:, :-1], t[:, 1:], caches)
      loss.backward()
      opt.step()
      opt.zero_grad(set_to_none=True)
    else:
      with torch.inference_mode(), cast():
        loss, caches = run(t[:, :-1], t[:, 1:], caches)
    extra["loss"] = loss.item()
  tokens = s.B * s.N
elif a.mode == "read":
  # One stream, a segment a step.
  model.eval()
  run = torch.compile(model.read) if a.variant == "compile" else model.read
  caches = model.begin(1, kv_dtype)

  def step():
    global caches
    with torch.inference_mode(), cast():
      token, caches = run(batch(s.N)[:1], caches)
    extra["token"] = token.item()
  tokens = s.N
else:
  # Single stream. Window models keep W keys and values in a ring; gpt keeps them all (room for the run).
  model.eval()
  room = s.W if a.model != "gpt" else a.prompt + a.tokens * (a.steps + 4)
  caches = [(torch.randn(1, s.H, room, s.K, dtype=kv_dtype), torch.randn(1, s.H, room, s.K, dtype=kv_dtype))
            for _ in model.layers]
  rec = [l for l in model.layers if l.recurrent]
  with torch.inference_mode(), cast():
    rk = rv = c = None
    if rec:
      c = rec[0].states.initial.detach()[None].to(torch.bfloat16 if a.precision == "bf16-weights" else torch.float32)
      rk, rv, qs, qe = rec[0].states.keys(c)
  one = torch.compile(model.one) if a.variant == "compile" else model.one
  token, pos = torch.ones(1, 1, dtype=torch.long), a.prompt

  def step():
    global token, pos, rk, rv, c, qs, qe
    with torch.inference_mode(), cast():
      for _ in range(a.tokens):
        slot = torch.tensor([pos % room])
        mask = None
        if a.model == "gpt":
          mask = (torch.arange(room) <= pos).view(1, 1, 1, room)
        token = one(token, caches, mask, slot, rk, rv)
        pos += 1
        if rec and pos % s.W == 0:   # the state moves on; stands in for 2W keys with the W of the ring, twice
          k, v = caches[s.rec]
          c = rec[0].states.next(c, rk, rv, qs, qe, unit(torch.cat((k, k), 2)), torch.cat((v, v), 2))
          rk, rv, qs, qe = rec[0].states.keys(c)
  tokens = a.tokens

stats = common.measure(step, steps=a.steps, warmup=warmup, budget_s=a.budget)
common.report(peer="plain torch", size=a.size, model=a.model, mode=a.mode,
              variant=f"{a.variant} {a.precision}" + (f" loss in {a.loss_chunks}" if a.loss_chunks > 1 else ""),
              optimizer="adamw" if a.mode == "train" else None, params=count, torch=torch.__version__,
              threads=torch.get_num_threads(), **extra, **stats,
              **common.rates(s, stats, tokens, a.mode == "train", a.model == "brt",
                             s.L + (a.model == "slide+1")))
