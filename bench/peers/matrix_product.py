# SPDX-License-Identifier: Apache-2.0
"""Speed of the matrix product [4096, 1024] [1024, 1024] through LibTorch: what a model's speed can be compared with.

    python matrix_product.py --precision fp32

A row of the product counts as a token.
"""

import argparse

import torch

import common

ROWS, WIDTH, REPEATED = 4096, 1024, 5
FLOPS_PER_ROW = 2 * WIDTH * WIDTH

p = argparse.ArgumentParser()
p.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
p.add_argument("--steps", type=int, default=3)
p.add_argument("--budget", type=float, default=120)
a = p.parse_args()
dtype = torch.float32 if a.precision == "fp32" else torch.bfloat16
left, right = torch.randn(ROWS, WIDTH, dtype=dtype), torch.randn(WIDTH, WIDTH, dtype=dtype)
out = torch.empty(ROWS, WIDTH, dtype=dtype)


def step():
  for _ in range(REPEATED):
    torch.mm(left, right, out=out)


stats = common.measure(step, steps=a.steps, budget_s=a.budget)
common.report(peer="matrix product", variant=a.precision, torch=torch.__version__, threads=torch.get_num_threads(),
              rates=[ROWS * REPEATED / wall for wall in stats["walls_s"]], flops_per_token=FLOPS_PER_ROW, **stats)
