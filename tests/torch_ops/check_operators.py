#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""brt's operators in PyTorch: whatever the arguments, a right result or an exception.

    python3 tests/torch_ops/check_operators.py build/release/lib/libbrt_torch_ops.so

Each check prints its name before it runs, so that a crash says where. Exits with 1 if one fails.
"""

import ctypes
import sys
import traceback

import torch

LANES, TOKENS, HEADS, HEAD_SIZE, WINDOW = 2, 64, 2, 16, 32
CHECKS = []


def check(function):
  CHECKS.append(function)
  return function


def operands(dtype=torch.float32, value_size=HEAD_SIZE, tokens=TOKENS):
  generator = torch.Generator().manual_seed(0)
  draw = lambda *size: torch.randn(*size, generator=generator).to(dtype)
  query = draw(LANES, tokens, HEADS, HEAD_SIZE)
  keys = draw(LANES, WINDOW + tokens, HEADS, HEAD_SIZE)
  return query, keys, draw(LANES, WINDOW + tokens, HEADS, value_size)


def bias_and_scale():
  generator = torch.Generator().manual_seed(1)
  return torch.randn(HEADS, WINDOW, generator=generator), 1 + torch.rand(HEADS, generator=generator)


def plain(query, keys, values, window=None, bias=None, scale=None, empty_cache=None):
  """Both operators in float64; without a window every query sees every key."""
  query, keys, values = query.double(), keys.double(), values.double()
  tokens, all_keys = query.shape[1], keys.shape[1]
  logits = torch.einsum("bnhk,bmhk->bhnm", query, keys)
  place = torch.arange(all_keys) - torch.arange(tokens)[:, None]
  if bias is not None:
    logits = logits + bias.double()[:, place.clamp(0, window - 1)]
  if scale is not None:
    logits = logits * scale.double().abs()[:, None, None]
  if window is not None:
    logits = logits.masked_fill((place < 0) | (place >= window), float("-inf"))
  if empty_cache is not None:
    hidden = empty_cache.bool()[:, None, None, None] & (torch.arange(all_keys) < window)
    logits = logits.masked_fill(hidden, float("-inf"))
  weights = torch.nan_to_num(logits.softmax(-1))  # a row that sees no key
  return torch.einsum("bhnm,bmhk->bnhk", weights, values)


def window_attention(*arguments):
  return torch.ops.brt.window_attention(*arguments)


def cross_attention(*arguments):
  return torch.ops.brt.cross_attention(*arguments)


def near(got, want, limit=1e-4):
  assert got.shape == want.shape, f"{tuple(got.shape)} is not {tuple(want.shape)}"
  error = (got.double() - want.double()).abs().max().item() if got.numel() else 0.0
  assert error <= limit, f"differs by {error}"


def refused(call, fragment, kind=RuntimeError):
  try:
    call()
  except kind as error:
    assert fragment in str(error), f"says {error}"
  else:
    raise AssertionError(f"was not refused: {fragment}")


def compare_with_gradients(call, plain_call, tensors, limit=1e-4):
  """Output and gradients of every tensor, whose dtypes they keep."""
  results = []
  for function in (call, plain_call):
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    out = function(*leaves)
    weights = torch.linspace(-1, 1, out.numel(), dtype=torch.float64).reshape(out.shape)
    (out.double() * weights).sum().backward()
    results.append((out.detach(), [leaf.grad for leaf in leaves]))
  near(results[0][0], results[1][0], limit)
  for tensor, got, want in zip(tensors, results[0][1], results[1][1]):
    assert got.dtype == tensor.dtype, f"gradient of {got.dtype} for {tensor.dtype}"
    near(got, want, limit * max(1.0, want.abs().max().item()))


@check
def opcheck_passes():
  try:
    import torch.testing._internal.optests
  except ModuleNotFoundError as missing:  # a wheel unpacked alone has none of what torch needs for it
    print(f"  skipped: opcheck needs the module {missing.name}")
    return
  bias, scale = bias_and_scale()
  empty = torch.tensor([True, False])
  for dtype in (torch.float32, torch.bfloat16, torch.float64):
    for tokens in (TOKENS, 5):
      query, keys, values = (x.requires_grad_() for x in operands(dtype, tokens=tokens))
      for more in ((), (bias, scale), (bias.requires_grad_(), scale.requires_grad_(), empty)):
        torch.library.opcheck(torch.ops.brt.window_attention.default,
                              (query, keys, values, WINDOW, *more))
      for more in ((), (scale,)):
        torch.library.opcheck(torch.ops.brt.cross_attention.default, (query, keys, values, *more))
  query, keys, values = (x.requires_grad_() for x in operands(value_size=8))
  torch.library.opcheck(torch.ops.brt.window_attention.default, (query, keys, values, WINDOW))
  torch.library.opcheck(torch.ops.brt._attention.default,
                        (query, keys, values, WINDOW, None, None, None))


@check
def results_and_gradients_are_right():
  bias, scale = bias_and_scale()
  for tokens in (TOKENS, 20, 5, 1):
    tensors = [*operands(tokens=tokens), bias, scale]
    compare_with_gradients(lambda q, k, v, b, s: window_attention(q, k, v, WINDOW, b, s),
                           lambda q, k, v, b, s: plain(q, k, v, WINDOW, b, s), tensors)
    compare_with_gradients(lambda q, k, v, s: cross_attention(q, k, v, s),
                           lambda q, k, v, s: plain(q, k, v, scale=s), tensors[:3] + [scale])
  empty = torch.tensor([True, False])
  compare_with_gradients(lambda q, k, v: window_attention(q, k, v, WINDOW, None, None, empty),
                         lambda q, k, v: plain(q, k, v, WINDOW, empty_cache=empty), operands())


@check
def values_may_have_another_head_size():
  for size in (1, 8, 64):
    for dtype, limit in ((torch.float32, 1e-4), (torch.float64, 1e-10), (torch.bfloat16, 0.05)):
      tensors = operands(dtype, value_size=size)
      compare_with_gradients(lambda q, k, v: window_attention(q, k, v, WINDOW),
                             lambda q, k, v: plain(q, k, v, WINDOW), tensors, limit)
      compare_with_gradients(cross_attention, plain, tensors, limit)


@check
def operands_may_have_several_dtypes():
  bias, scale = bias_and_scale()
  dtypes = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
  for query_dtype in dtypes:
    for value_dtype in dtypes:
      query, keys, values = operands()
      tensors = [query.to(query_dtype), keys, values.to(value_dtype)]
      assert window_attention(*tensors, WINDOW).dtype == query_dtype
      compare_with_gradients(lambda q, k, v: window_attention(q, k, v, WINDOW),
                             lambda q, k, v: plain(q, k, v, WINDOW), tensors, limit=0.05)
      compare_with_gradients(cross_attention, plain, tensors, limit=0.05)
  compare_with_gradients(lambda q, k, v, b, s: window_attention(q, k, v, WINDOW, b, s),
                         lambda q, k, v, b, s: plain(q, k, v, WINDOW, b, s),
                         [*operands(), bias.double(), scale.bfloat16()], limit=0.05)


@check
def memory_may_lie_in_any_way():
  query, keys, values = operands()
  want = plain(query, keys, values, WINDOW)
  heads_first = lambda x: x.transpose(1, 2).contiguous().transpose(1, 2)
  near(window_attention(heads_first(query), heads_first(keys), heads_first(values), WINDOW), want)
  near(window_attention(query.flip(1), keys, values, WINDOW), plain(query.flip(1), keys, values, WINDOW))
  shared = keys[:1].expand(LANES, -1, -1, -1)
  near(window_attention(query, shared, values, WINDOW), plain(query, shared, values, WINDOW))
  near(window_attention(torch._neg_view(query), keys, values, WINDOW), plain(-query, keys, values, WINDOW))
  bytes_ = ctypes.create_string_buffer(query.numel() * 4 + 1)
  odd = torch.frombuffer(bytes_, dtype=torch.float32, count=query.numel(), offset=1).view(query.shape)
  odd.copy_(query)
  near(window_attention(odd, keys, values, WINDOW), want)
  sliced = torch.randn(LANES, TOKENS, HEADS, 2 * HEAD_SIZE)[..., ::2].copy_(query)
  near(window_attention(sliced, keys, values, WINDOW), want)


@check
def gradients_may_come_in_any_form():
  for dtype in (torch.float32, torch.float64):
    query, keys, values = (x.requires_grad_() for x in operands(dtype))
    out = window_attention(query, keys, values, WINDOW)
    for gradient in (torch.ones(1, 1, 1, 1, dtype=dtype).expand(out.shape),
                     torch.ones_like(out).transpose(1, 2).contiguous().transpose(1, 2),
                     torch._efficientzerotensor(out.shape, dtype=dtype)):
      found = torch.autograd.grad(out, (query, keys, values), gradient, retain_graph=True)
      assert all(x.isfinite().all() for x in found)
  query, keys, values = operands()
  values.requires_grad_()
  window_attention(query, keys, values, WINDOW).sum().backward()
  assert values.grad is not None and query.grad is None


@check
def sizes_of_zero_are_sizes():
  query, keys, values = operands()
  near(window_attention(query[:0], keys[:0], values[:0], WINDOW), query[:0])
  near(window_attention(query[:, :0], keys[:, :WINDOW], values[:, :WINDOW], WINDOW), query[:, :0])
  near(window_attention(query[:, :, :0], keys[:, :, :0], values[:, :, :0], WINDOW), query[:, :, :0])
  near(window_attention(query, keys, values[..., :0], WINDOW), query[..., :0])
  near(window_attention(query[..., :0], keys[..., :0], values, WINDOW),
       plain(query[..., :0], keys[..., :0], values, WINDOW))
  near(cross_attention(query, keys[:, :0], values[:, :0]), torch.zeros_like(query))
  none = [x[:0].requires_grad_() for x in (query, keys, values)]
  window_attention(*none, WINDOW).sum().backward()
  # A size beside one of 0 may be as large as it likes.
  huge = 1 << 40
  many = window_attention(torch.empty(0, huge, 1, 8), torch.empty(0, 32 + huge, 1, 8),
                          torch.empty(0, 32 + huge, 1, 8), 32)
  assert many.shape == (0, huge, 1, 8)


@check
def what_does_not_fit_is_refused():
  query, keys, values = operands()
  bias, scale = bias_and_scale()
  call = lambda *arguments: lambda: window_attention(*arguments)
  refused(call(query, keys, values, 0), "window must be at least 1, got 0")
  refused(call(query, keys, values, -1), "window must be at least 1, got -1")
  refused(call(query, keys[:, :TOKENS], values[:, :TOKENS], 0), "window must be at least 1")
  for window in (2**62, 2**63 - 1, 1, 31, 33):
    refused(call(query, keys, values, window), "neither whole blocks")
  refused(call(query[0], keys, values, WINDOW), "query_BNHK must be [*, *, *, *]")
  refused(call(query, keys[..., :8], values, WINDOW), "keys_BMHK must be")
  refused(call(query, keys, values[:, 1:], WINDOW), "values_BMHK must be")
  refused(call(query, keys, values, WINDOW, bias[:, :-1]), "bias_HW must be")
  refused(call(query, keys, values, WINDOW, None, scale[:1]), "scale_H must be")
  for empty in (torch.ones(0), torch.ones(1), torch.ones(3), torch.ones(2, 2), torch.tensor(1.0)):
    refused(call(query, keys, values, WINDOW, None, None, empty.bool()), "empty_cache_B must be [2]")
  refused(call(query, keys, values, WINDOW, None, None, torch.ones(2)), "must be of bool")
  for dtype in (torch.int32, torch.complex64, torch.bool, torch.float8_e4m3fn):
    refused(call(query.to(dtype), keys, values, WINDOW), "must be of float32, float64")
    refused(call(query, keys, values.to(dtype), WINDOW), "must be of float32, float64")
    refused(call(query, keys, values, WINDOW, bias.to(dtype)), "must be of float32, float64")
    refused(lambda: cross_attention(query, keys.to(dtype), values), "must be of float32, float64")
  refused(call(query, keys, values, WINDOW, bias.to("meta")), "on the device")
  refused(call(query.to("meta"), keys, values, WINDOW), "on the device")
  refused(call(query.to_sparse(), keys, values, WINDOW), "dense", Exception)
  refused(call(query, keys, values.to_sparse(), WINDOW), "dense", Exception)
  refused(lambda: cross_attention(query, keys, values, scale[:1]), "scale_H must be")
  refused(lambda: cross_attention(query, keys, values[:, 1:]), "values_BJHK must be")


@check
def the_operators_behind_them_check_as_well():
  query, keys, values = operands()
  attention = torch.ops.brt._attention
  gradients = torch.ops.brt._attention_gradients
  out, log_sum = attention(query, keys, values, WINDOW, None, None, None)
  refused(lambda: attention(query, keys, values, -1, None, None, None), "window must be at least 1")
  refused(lambda: attention(query, keys, values, 0, bias_and_scale()[0], None, None), "no bias")
  call = lambda out, log_sum, *more: lambda: gradients(out, query, keys, values, WINDOW, None, None,
                                                       None, log_sum)
  refused(call(out[:, 1:], log_sum), "out_gradient_BNHK must be")
  refused(call(out, log_sum[..., 1:]), "log_sum_BHN must be")
  refused(call(out, log_sum.int()), "log_sum_BHN must be of float32")
  refused(call(out.to("meta"), log_sum), "on the device")
  assert gradients(out, query, keys, values, WINDOW, None, None, None, log_sum.double())[0].shape == query.shape


@check
def autocast_computes_in_its_dtype():
  query, keys, values = (x.requires_grad_() for x in operands())
  want = plain(query, keys, values, WINDOW)
  with torch.autocast("cpu", dtype=torch.bfloat16):
    out = window_attention(query, keys, values.bfloat16(), WINDOW)
    near(cross_attention(query, keys, values), plain(query, keys, values), limit=0.1)
  assert out.dtype == torch.bfloat16
  near(out, want, limit=0.1)
  out.float().sum().backward()
  assert query.grad.dtype == torch.float32 and query.grad.isfinite().all()


@check
def shapes_are_known_without_numbers():
  query, keys, values = (x.to("meta") for x in operands(value_size=8))
  assert window_attention(query, keys, values, WINDOW).shape == (LANES, TOKENS, HEADS, 8)
  assert cross_attention(query, keys, values).shape == (LANES, TOKENS, HEADS, 8)
  refused(lambda: window_attention(query, keys, values, 7), "neither whole blocks")
  query, keys, values = operands()
  traced = torch.jit.trace(lambda q, k, v: window_attention(q, k, v, WINDOW), (query, keys, values))
  near(traced(query, keys, values), plain(query, keys, values, WINDOW))
  try:
    compiled = torch.compile(lambda q, k, v: window_attention(q, k, v, WINDOW) * 2, backend="aot_eager",
                             fullgraph=True)
  except ModuleNotFoundError as missing:
    print(f"  skipped: torch.compile needs the module {missing.name}")
    return
  compare_with_gradients(compiled, lambda q, k, v: plain(q, k, v, WINDOW) * 2, (query, keys, values))


@check
def lanes_can_be_mapped():
  query, keys, values = operands()
  mapped = torch.vmap(lambda q, k, v: window_attention(q[None], k[None], v[None], WINDOW)[0])
  near(mapped(query, keys, values), plain(query, keys, values, WINDOW))


@check
def a_second_derivative_is_refused():
  for dtype in (torch.float32, torch.float64):
    query, keys, values = (x.requires_grad_() for x in operands(dtype))
    out = window_attention(query, keys, values, WINDOW)
    (first,) = torch.autograd.grad(out.sum(), query, create_graph=True)
    refused(lambda: first.sum().backward(), "no second derivative", NotImplementedError)


@check
def numbers_that_are_not_finite_stay_where_they_are():
  query, keys, values = operands()
  query[0, 0, 0, 0] = float("nan")
  out = window_attention(query, keys, values, WINDOW)
  assert out[0, 0, 0].isnan().all() and not out[1].isnan().any() and not out[0, :, 1].isnan().any()
  with torch.inference_mode():
    near(window_attention(*operands(), WINDOW), plain(*operands(), WINDOW))


def main():
  torch.ops.load_library(sys.argv[1])
  failed = []
  for function in CHECKS:
    print(function.__name__, flush=True)
    try:
      function()
    except Exception:  # of any kind: the others shall run too
      traceback.print_exc()
      failed.append(function.__name__)
  print(f"failed: {', '.join(failed)}" if failed else f"{len(CHECKS)} checks passed")
  return 1 if failed else 0


if __name__ == "__main__":
  sys.exit(main())
