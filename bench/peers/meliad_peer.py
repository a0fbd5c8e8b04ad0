# SPDX-License-Identifier: Apache-2.0
"""Speed of google-research/meliad (the paper's own JAX code) on this CPU.

    python meliad_peer.py --meliad CHECKOUT --size medium --model rec --dtype bfloat16 --mode train

The checkout is only read; what stands in for TensorFlow, seqio and clu is in import_meliad.
"""

import argparse
import os
import sys
import types

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import common


def fake_module(name, **members):
  module = types.ModuleType(name)
  module.__dict__.update(members)
  module.__getattr__ = lambda attr: type(attr, (), {})   # anything else asked for: an empty class
  module.__path__ = []
  module.__spec__ = None
  sys.modules[name] = module
  parent, _, child = name.rpartition(".")
  if parent in sys.modules:
    setattr(sys.modules[parent], child, module)


def import_meliad(path):
  sys.path.insert(0, path)
  for name in ["seqio", "clu", "clu.metric_writers", "clu.values", "tensorflow", "tensorflow.compat",
               "tensorflow.compat.v2"]:
    fake_module(name)
  import transformer  # noqa: F401
  import gin
  for module, names in [("transformer.text_dataset", ["load_text_dataset"]), ("training_loop", ["Trainer"]),
                        ("model_info", ["ModelInfo", "LoadPretrainedConfig"])]:
    members = {}
    for name in names:
      def only_for_the_gin_files(**_):
        raise RuntimeError
      only_for_the_gin_files.__name__ = only_for_the_gin_files.__qualname__ = name
      only_for_the_gin_files.__module__ = module
      members[name] = gin.external_configurable(only_for_the_gin_files, name=name, module=module)
    fake_module(module, **members)
  if sys.version_info < (3, 12):   # `type X = Any` is a statement of Python 3.12
    for name in ["optimizer"]:
      source = open(os.path.join(path, name + ".py")).read().replace("type OptaxOptFactory", "OptaxOptFactory")
      module = types.ModuleType(name)
      module.__file__ = os.path.join(path, name + ".py")
      sys.modules[name] = module
      exec(compile(source, module.__file__, "exec"), module.__dict__)


def configure(meliad, s, a):
  import gin
  configs = os.path.join(meliad, "transformer", "configs")
  gin.add_config_file_search_path(configs)
  files = ["base_memory.gin"]
  bindings = {
      "NUM_LAYERS": s.L + (1 if a.model == "slide+1" else 0), "NUM_HEADS": s.H, "HEAD_DIM": s.K, "EMBED_DIM": s.D,
      "MLP_DIM": s.F, "NUM_EMBEDDINGS": s.V, "SEGMENT_LENGTH": s.N, "WINDOW_LENGTH": s.W, "DTYPE": a.dtype,
      "DROPOUT_RATE": a.dropout, "ATTN_DROPOUT_RATE": a.dropout,
      "language_model.TransformerTaskConfig.batch_size": s.B,
      "language_model.TransformerTaskConfig.sequence_length": s.N,
      "MAX_UNROLLED_WINDOWS": a.unroll,
  }
  if a.model == "rec":
    files.append("recurrent/bias_skip.gin")
    bindings["transformer_layer.TransformerLayer.recurrent_num_states"] = s.S
    bindings["decoder_stack.DecoderStack.recurrent_layer_indices"] = (s.rec,)
  gin.parse_config_files_and_bindings(files, [f"{k} = {v!r}" for k, v in bindings.items()])


def main():
  p = argparse.ArgumentParser()
  p.add_argument("--meliad", required=True)
  p.add_argument("--size", default="small", choices=common.SIZES)
  p.add_argument("--model", default="rec", choices=["rec", "slide", "slide+1"])
  p.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
  p.add_argument("--mode", default="train", choices=["train", "eval", "decode"])
  p.add_argument("--optimizer", default="adafactor", choices=["adafactor", "adamw"])
  p.add_argument("--dropout", type=float, default=0.0)
  p.add_argument("--unroll", type=int, default=-1, help="max_unrolled_windows; -1 always unrolls (meliad's default)")
  p.add_argument("--steps", type=int, default=3)
  p.add_argument("--budget", type=float, default=120)
  p.add_argument("--tokens", type=int, default=128, help="decode: tokens per timed call")
  a = p.parse_args()
  s = common.SIZES[a.size]

  import_meliad(a.meliad)
  import gin  # noqa: F401
  import jax
  import jax.numpy as jnp
  import numpy as np
  configure(a.meliad, s, a)
  from transformer import language_model
  from transformer.memory import decoder_stack
  import optimizer_config

  task = language_model.TransformerTaskConfig()
  mode = {"train": "train", "eval": "test", "decode": "generate"}[a.mode]
  model = decoder_stack.DecoderStack(mode=mode, task_config=task)
  init_model = decoder_stack.DecoderStack(mode="init", task_config=task)

  def inputs_of(tokens, starts):
    return {"input_tokens": tokens, "target_tokens": tokens, "start_of_sequence": starts}

  tokens0 = jnp.zeros([s.B, s.N], jnp.int32)
  variables = jax.jit(lambda k: init_model.init(k, inputs_of(tokens0, jnp.ones([s.B], bool)), global_info={}))(
      jax.random.key(0))
  params, state = variables["params"], variables["state"]
  count = sum(x.size for x in jax.tree.leaves(params))

  def loss_of(params, state, tokens, starts, key):
    (logits, _), new = model.apply({"params": params, "state": state}, inputs_of(tokens, starts), global_info={},
                                   mutable=["state"], rngs={"dropout": key})
    targets, mask = language_model.targets_from_input_tokens(tokens, jnp.ones(tokens.shape, bool))
    losses, _ = language_model.softmax_cross_entropy_loss(logits, targets)
    return jnp.sum(losses * mask) / jnp.sum(mask), new["state"]

  rng = np.random.default_rng(0)
  batch = lambda: jnp.asarray(rng.integers(1, s.V, (s.B, s.N)), jnp.int32)
  starts = jnp.zeros([s.B], bool)
  result = {}

  if a.mode == "train":
    make = optimizer_config.AdafactorConfig if a.optimizer == "adafactor" else optimizer_config.AdamConfig
    opt = make().create_optimizer_def().create(params)
    del params, variables

    def train_step(opt, state, tokens, key):
      (loss, state), grads = jax.value_and_grad(loss_of, has_aux=True)(opt.target, state, tokens, starts, key)
      return opt.apply_gradient(grads, learning_rate=jnp.float32(1e-3)), state, loss

    step_fn = jax.jit(train_step, donate_argnums=(0, 1))
    box = [opt, state]
    del opt, state

    def step():
      box[0], box[1], loss = step_fn(box[0], box[1], batch(), jax.random.key(1))
      result["loss"] = float(loss)
    tokens = s.B * s.N
  elif a.mode == "eval":
    eval_fn = jax.jit(loss_of, donate_argnums=(1,))
    box = [state]
    del state, variables

    def step():
      loss, box[0] = eval_fn(params, box[0], batch(), starts, jax.random.key(1))
      result["loss"] = float(loss)
    tokens = s.B * s.N
  else:
    # meliad switches generation off (model_runner) and its own loop no longer runs; this drives the layers'
    # one-token path (a window cache of W keys), as that loop would. With recurrence the state would stay frozen.
    if a.model == "rec":
      sys.exit("meliad cannot generate with recurrence")
    v = {"params": params, "state": state}
    n = a.tokens
    one = jnp.zeros([s.B], bool)

    def loop(v, first):
      def run(m):
        ds = m.init_decoder_state(n, one)
        def body(carry, _):
          ds, tok = carry
          logits, ds, _ = m(inputs_of(tok, one), global_info={}, decoder_state=ds)
          tok = jnp.argmax(logits[:, -1:], axis=-1)
          return (ds, tok), tok
        return jax.lax.scan(body, (ds, first), None, length=n)[1]
      return run
    fn = jax.jit(lambda v, first: model.apply(v, method=loop(v, first)))
    first = jnp.ones([s.B, 1], jnp.int32)

    def step():
      np.asarray(fn(v, first))
    tokens = n * s.B

  stats = common.measure(step, steps=a.steps, warmup=0, budget_s=a.budget)   # the first call compiles, once
  rec = a.model == "rec"
  layers = s.L + (1 if a.model == "slide+1" else 0)
  common.report(peer="meliad", size=a.size, model=a.model, variant="jit " + a.dtype, mode=a.mode,
                optimizer=a.optimizer if a.mode == "train" else None, params=int(count), jax=jax.__version__,
                xla_flags=os.environ.get("XLA_FLAGS", ""), **result, **stats,
                **common.rates(s, stats, tokens, a.mode == "train", rec, layers))


if __name__ == "__main__":
  main()
