# SPDX-License-Identifier: Apache-2.0
"""Speed of lucidrains/block-recurrent-transformer-pytorch on this CPU.

    python lucidrains_peer.py --repo CHECKOUT --size medium --variant compile --precision bf16 --mode train

Where it differs from the paper's model (cannot be configured away): one key/value head shared by all query
heads; GEGLU of width 8/3 D in place of ReLU of width 4 D (same number of weights); rotary + xpos positions in
place of T5 buckets; untied output table; its state update always has the paper's "fixed" gate with one extra
D x D matrix and no FFN, and no window bound inside the previous block (a query sees the whole previous block).
"""

import argparse
import contextlib
import sys

import torch

import common

p = argparse.ArgumentParser()
p.add_argument("--repo", required=True)
p.add_argument("--size", default="small", choices=common.SIZES)
p.add_argument("--variant", default="eager", choices=["eager", "compile"])
p.add_argument("--precision", default="fp32", choices=["fp32", "bf16"], help="bf16 = torch.autocast")
p.add_argument("--flash", type=int, default=0, help="its use_flash_attn (F.scaled_dot_product_attention)")
p.add_argument("--mode", default="train", choices=["train", "eval", "read", "decode", "decode-blockwise"])
p.add_argument("--optimizer", default="adamw", choices=["adamw"])
p.add_argument("--steps", type=int, default=3)
p.add_argument("--budget", type=float, default=120)
p.add_argument("--threads", type=int, default=0)
p.add_argument("--prompt", type=int, default=1024)
p.add_argument("--tokens", type=int, default=16, help="decode: tokens per timed call")
p.add_argument("--stride", type=int, default=1, help="decode-blockwise: every so manieth token of a block is timed")
a = p.parse_args()
s = common.SIZES[a.size]
if a.threads:
  torch.set_num_threads(a.threads)
sys.path.insert(0, a.repo)
from block_recurrent_transformer_pytorch import BlockRecurrentTransformer, RecurrentTrainerWrapper  # noqa: E402

torch.manual_seed(0)
decode = a.mode.startswith("decode")
segment = s.N
if decode and a.prompt + a.tokens * 3 >= segment:
  segment = s.W * ((a.prompt + a.tokens * 64) // s.W + 1)   # only the limit of one call; no weight depends on it
model = BlockRecurrentTransformer(
    num_tokens=s.V, dim=s.D, depth=s.L, dim_head=s.K, heads=s.H, ff_mult=4, max_seq_len=segment, block_width=s.W,
    num_state_vectors=s.S, recurrent_layers=(s.rec + 1,), use_flash_attn=bool(a.flash))
count = sum(x.numel() for x in model.parameters())
cast = lambda: torch.autocast("cpu", torch.bfloat16) if a.precision == "bf16" else contextlib.nullcontext()
run = torch.compile(model) if a.variant == "compile" else model
gen = torch.Generator().manual_seed(0)
batch = lambda n: torch.randint(1, s.V, (s.B, n), generator=gen)
extra = {}
memories, states = [], []

if a.mode == "train":
  opt = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

  def step():
    global memories, states
    with cast():
      loss, memories, states = run(batch(s.N + 1), return_loss=True, xl_memories=memories, states=states)
    loss.backward()
    opt.step()
    opt.zero_grad(set_to_none=True)
    extra["loss"] = loss.item()
  tokens = s.B * s.N
elif a.mode == "eval":
  model.eval()

  def step():
    global memories, states
    with torch.inference_mode(), cast():
      loss, memories, states = run(batch(s.N + 1), return_loss=True, xl_memories=memories, states=states)
    extra["loss"] = loss.item()
  tokens = s.B * s.N
elif a.mode == "read":
  # One stream, a segment a step; its forward makes the logits of every token.
  model.eval()

  def step():
    global memories, states
    with torch.inference_mode(), cast():
      logits, memories, states = run(batch(s.N)[:1], xl_memories=memories, states=states, return_memories_and_states=True)
    extra["token"] = logits[0, -1].argmax(-1).item()
  tokens = s.N
elif a.mode == "decode":
  # Its own generate: the whole segment runs again for every token (no cache inside a segment).
  model.eval()
  prime = batch(a.prompt)[:1]

  def step():
    with cast():
      out = model.generate(prime, length=a.prompt + a.tokens, temperature=0.0)
    assert out.shape[-1] == a.tokens
  tokens = a.tokens
else:
  # The best that its public forward allows: finished blocks live in memories and states, and only the current
  # block (on average W/2 tokens) runs again for every token.
  model.eval()
  prompt = batch(a.prompt)[:1]
  with torch.inference_mode(), cast():
    done = (a.prompt - 1) // s.W * s.W
    _, mem, st = model(prompt[:, :done], return_memories_and_states=True)
  tail = prompt[:, done:]

  def step():
    global mem, st, tail
    with torch.inference_mode(), cast():
      for _ in range(tokens):
        logits, m2, s2 = run(tail, xl_memories=mem, states=st, return_memories_and_states=True)
        # With a stride the tokens between are drawn, not computed: every so manieth length of the tail is timed.
        tail = torch.cat((tail, logits[:, -1:].argmax(-1), batch(a.stride - 1)[:1]), -1)
        if tail.shape[-1] > s.W:
          mem, st, tail = m2, s2, tail[:, -a.stride:]
  tokens = s.W // a.stride   # one block per timed call

stats = common.measure(step, steps=a.steps, warmup=1 if a.variant == "compile" else 0, budget_s=a.budget)
common.report(peer="lucidrains", size=a.size, model="rec", mode=a.mode,
              variant=f"{a.variant} {a.precision}" + (" sdpa" if a.flash else ""),
              optimizer=a.optimizer if a.mode == "train" else None, params=count, torch=torch.__version__,
              threads=torch.get_num_threads(), **extra, **stats,
              **common.rates(s, stats, tokens, a.mode == "train"))
