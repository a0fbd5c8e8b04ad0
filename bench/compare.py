# SPDX-License-Identifier: Apache-2.0
"""Runs brt and its peers one after another, round by round, and keeps one JSON line a run.

    python3 bench/compare.py --brt build/release/bin/brt --sizes small --modes train,eval
    python3 bench/compare.py --brt build/release/bin/brt --target avx2

With --target all programs are held to the instructions of one CPU target (bench/targets.py): by default the small
size, plain torch as the only peer, brt in bf16 and fp32, and a matrix product within the same rounds.
tools/bench_peers.sh makes what this needs, and bench/page.py the page. Standard library only.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import shlex
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import common  # noqa: E402
import targets  # noqa: E402

WORK = ROOT / "build" / "peers"
MODES = ("train", "eval", "read", "decode")
PEERS = ("plain-torch", "lucidrains", "meliad")
QUIET_LOAD = 0.3   # cores that others may keep busy when a run begins
SETTLE_S = 2.0     # for which they are watched, at least


@dataclasses.dataclass(frozen=True)
class Candidate:
  words: str        # for the page: precision, way of running
  command: tuple
  speed: float      # GFLOP/s to plan with, as met on two cores with AVX-512 but without AMX
  start_s: float    # to plan with: start and compilation


@dataclasses.dataclass(frozen=True)
class Row:
  """One line of a table: of its candidates the fastest goes on."""
  name: str
  candidates: tuple
  tokens: int         # of a timed step
  kind: str = "peer"  # "brt", "setting" (brt, set otherwise), "variant" (another model), "peer" or "product"
  flops: float = 0.0  # of a token, where it is not the model's


# ---------------------------------------------------------------- what is run

# To plan with; only minutes depend on it.
SPEEDS = {"brt": {"train": 300, "eval": 300, "read": 300, "decode": 35},
          "plain torch": {"train": 230, "eval": 230, "read": 250, "decode": 7},
          "lucidrains": {"train": 220, "eval": 170, "read": 170, "decode": 0.8},
          "meliad": {"train": 110, "eval": 100},
          "matrix product": {"train": 400}}
WITH_TILES = {"brt": 2.5, "plain torch": 1.8, "lucidrains": 1.4, "meliad": 1.2,
              "matrix product": 4.0}   # times as fast with AMX


def has_tiles():
  try:
    return "amx_bf16" in pathlib.Path("/proc/cpuinfo").read_text()
  except OSError:
    return False


def planned_speed(a, peer, mode):
  part = targets.TARGETS[a.target].speed if a.target else 1.0
  tiles = a.target == "amx" if a.target else has_tiles()
  return part * SPEEDS[peer][mode] * (WITH_TILES[peer] if tiles else 1.0)


def brt_command(a, s, mode, *settings, dtype="bf16", weights="bf16", streams=1):
  command = [a.brt, "bench", mode, "--json"]
  sets = [f"model.size={s.name}", f"model.vocab_size={s.V}"]
  if mode in ("read", "decode"):
    command += ["--weights", weights, "--streams", str(streams)]
  elif mode == "train":
    sets += [f"train.lanes={s.B}", f"train.dtype={dtype}"]
  else:
    sets += [f"evaluation.lanes={s.B}", f"train.dtype={dtype}"]
  for setting in (*sets, *settings):
    command += ["--set", setting]
  return tuple(command)


def brt_rows(a, s, mode):
  speed = planned_speed(a, "brt", mode)
  tokens = {"train": s.B * s.N, "eval": s.B * s.N, "read": s.N, "decode": s.W}[mode]

  def row(name, kind, words, command, times=1, speed=speed):
    return Row(name, (Candidate(words, command, speed, 2.0),), times * tokens, kind)

  if mode in ("read", "decode"):
    what = "segment a step" if mode == "read" else "token a step"
    rows = []
    for streams, name in ((1, "brt"), (8, "brt, 8 streams"))[:1 if mode == "read" or a.target else 2]:
      for weights in ("bf16", "int8"):
        label = name if weights == "bf16" else f"{name}, int8"
        words = f"{weights} weights, {'one stream' if streams == 1 else f'{streams} streams'}, a {what}"
        rows.append(row(label, "brt" if label == "brt" else "setting", words,
                        brt_command(a, s, mode, weights=weights, streams=streams), streams,
                        speed * (3 if mode == "decode" and streams > 1 else 1)))
    return rows
  optimizer = ", AdamW" if mode == "train" else ""
  rows = [row("brt", "brt", "rec-fixed-skip, bf16" + optimizer, brt_command(a, s, mode))]
  if a.target:
    rows.append(row("brt, fp32", "setting", "rec-fixed-skip, fp32" + optimizer, brt_command(a, s, mode, dtype="fp32")))
  elif mode == "train":   # the models beside which the paper puts the cost of recurrence (its table 1)
    window = 4 * s.W
    lanes = max(1, s.B * s.N // window)
    for name, settings in (
        ("slide, one layer more", ("model.preset=slide", f"model.num_layers={s.L + 1}")),
        ("feedback-fixed-skip", ("model.preset=feedback-fixed-skip",)),
        (f"xl, window {window}", ("model.preset=xl", f"model.window={window}", f"train.lanes={lanes}"))):
      rows.append(row("brt " + name, "variant", "bf16, AdamW", brt_command(a, s, mode, *settings), speed=0.75 * speed))
  return rows


def python_script(script, *flags):
  return (str(WORK / "bin" / "python"), "-B", str(ROOT / "bench" / "peers" / script), *flags)


def python_peer(script, s, mode, *flags):
  return python_script(script, "--size", s.name, "--mode", mode, *flags)


def has_bf16(a):
  """Whether a peer is fastest in bfloat16."""
  return not a.target or targets.TARGETS[a.target].has_bf16


def peer_rows(a, s, mode):
  optimizer = ", AdamW" if mode == "train" else ""
  ways = {"read": ", one stream, a segment a step", "decode": ", one stream, a token a step"}.get(mode, optimizer)
  tokens = {"train": s.B * s.N, "eval": s.B * s.N, "read": s.N, "decode": s.W}[mode]
  autocast = "bf16" if has_bf16(a) else "fp32"
  precision = "bf16-weights" if mode in ("read", "decode") and has_bf16(a) else autocast
  plain = tuple(
      Candidate(f"{how}, {precision.replace('-', ' ')}{ways}",
                python_peer("plain_torch.py", s, mode, "--model", "brt", "--precision", precision, "--variant", how),
                planned_speed(a, "plain torch", mode), start_s) for how, start_s in (("eager", 5.0), ("compile", 70.0)))
  repo = ["--repo", str(WORK / "lucidrains"), "--precision", autocast]
  speed = planned_speed(a, "lucidrains", mode)
  if mode == "decode":
    stride = max(1, s.W // 32)   # of a block's tokens so many are drawn for each that is timed
    lucid = (Candidate(f"eager, {autocast}, block by block, one token of {stride} timed",
                       python_peer("lucidrains_peer.py", s, "decode-blockwise", *repo, "--stride", str(stride)),
                       speed, 8.0),)
  else:
    stride = 1
    lucid = tuple(Candidate(f"eager, {autocast}{words}{ways}",
                            python_peer("lucidrains_peer.py", s, mode, *repo, "--flash", flash), speed, 8.0)
                  for words, flash in (("", "0"), (", its flash attention", "1")))
  meliad = ()
  if mode in ("train", "eval"):
    dtype = "bfloat16" if has_bf16(a) else "float32"
    meliad = (Candidate(f"jit, {dtype}" + (", Adafactor" if mode == "train" else ""),
                        python_peer("meliad_peer.py", s, mode, "--meliad", str(WORK / "meliad"), "--dtype", dtype),
                        planned_speed(a, "meliad", mode), 50.0),)
  rows = [Row("plain torch", plain, tokens), Row("lucidrains", lucid, tokens // stride), Row("meliad", meliad, tokens)]
  return [row for row in rows if row.name.replace(" ", "-") in a.peers]


def product_row(a):
  """The speed of a product in the faster precision, beside training under a target."""
  speed = planned_speed(a, "matrix product", "train")
  precisions = ("fp32", "bf16") if has_bf16(a) else ("fp32",)
  candidates = tuple(Candidate(precision, python_script("matrix_product.py", "--precision", precision), speed, 4.0)
                     for precision in precisions)
  return Row("matrix product", candidates, 5 * 4096, "product", 2.0 * 1024 * 1024)


def tables_of(a):
  """Sizes and modes in their order. Of the largest size streams would take as long as all the rest."""
  return [(size, mode) for size in a.sizes for mode in a.modes
          if a.all or size != "150m" or mode in ("train", "eval")]


def rows_of(a, s, mode):
  first, *others = brt_rows(a, s, mode)
  products = [product_row(a)] if a.target and mode == "train" else []
  return [first, *peer_rows(a, s, mode), *others, *products]


# ---------------------------------------------------------------- plan

# Rounds that a row takes part in and its timed steps in each, from what is best down to what is quick.
SCHEDULES = ((3, 3), (2, 5), (1, 9), (1, 5), (1, 3))
FULL = 3          # so many of them give at least nine samples
TRIAL_STEPS = 2   # timed of a candidate after the first


def known_speeds(path, target):
  """GFLOP/s by size, mode and row, as earlier runs under the target left them."""
  speeds = {}
  if pathlib.Path(path).exists():
    for line in map(json.loads, pathlib.Path(path).read_text(encoding="utf-8").splitlines()):
      if "rates" in line and line.get("target", "") == target:
        speeds[line["size"], line["mode"], line["row"]] = statistics.median(line["rates"]) * line["flops_per_token"] / 1e9
  return speeds


@dataclasses.dataclass
class Plan:
  """What a row costs under its schedule."""
  row: Row
  step_s: tuple   # of each candidate
  schedule: int = 0

  def rounds(self):
    return SCHEDULES[self.schedule][0]

  def repetitions(self):
    return SCHEDULES[self.schedule][1]

  def run_s(self, candidate, repetitions):
    """Of one process: the wait for a quiet machine, start, warming up, timed steps."""
    step = self.step_s[candidate]
    warm = 1 if step > common.SLOW_STEP_S else 2
    return SETTLE_S + self.row.candidates[candidate].start_s + (warm + repetitions) * step

  def minutes(self, schedule=None):
    rounds, repetitions = SCHEDULES[self.schedule if schedule is None else schedule]
    trials = sum(self.run_s(i, TRIAL_STEPS) for i in range(1, len(self.row.candidates)))
    return (rounds * self.run_s(0, repetitions) + trials) / 60   # as if the first candidate won

  def saving(self):
    return self.minutes() - self.minutes(self.schedule + 1) if self.schedule + 1 < len(SCHEDULES) else 0.0

  def time_limit_s(self):
    """After which a peer's run times no further step: the plan may be wrong."""
    return max(20.0, 3 * self.repetitions() * max(self.step_s))


def make_plan(a):
  """All rows at their best; then, until the time is kept, those where most is saved get quicker schedules: first all
  that still give nine samples, then the others."""
  plan = {}
  speeds = known_speeds(a.output, a.target)
  for size, mode in tables_of(a):
    s = common.SIZES[size]
    flops = common.forward_flops_per_token(s) * (3 if mode == "train" else 1)
    for row in rows_of(a, s, mode):
      if not known_reason(row, mode):
        work = row.tokens * (row.flops or flops) / 1e9
        steps = (work / speeds.get((size, mode, row.name), c.speed) for c in row.candidates)
        plan[size, mode, row.name] = Plan(row, tuple(steps), SCHEDULES.index((1, 3)) if a.quick else 0)
  for last in (FULL - 1, len(SCHEDULES) - 1):
    while sum(of.minutes() for of in plan.values()) > a.minutes:
      open_rows = [of for of in plan.values() if of.schedule < last]
      if not open_rows:
        break
      max(open_rows, key=Plan.saving).schedule += 1
  return plan


def print_plan(a, plan):
  print(f"{'':16}{'row':32}{'rounds x steps':>14}{'minutes':>9}")
  for (size, mode, name), of in plan.items():
    print(f"{size:8}{mode:8}{name:32}{f'{of.rounds()} x {of.repetitions()}':>14}{of.minutes():9.1f}")
  total = sum(of.minutes() for of in plan.values())
  print(f"{'':48}{'in all':>14}{total:9.1f}", flush=True)
  if total > a.minutes:
    print(f"This is more than --minutes {a.minutes:.0f}: choose fewer --sizes or --modes", flush=True)


# ---------------------------------------------------------------- one run

def peer_environment(target):
  """Peers get tcmalloc, the best allocator found for them; without it, glibc told to keep its memory. What was
  compiled for one target is not used for another."""
  place = WORK / target
  env = dict(os.environ, PYTHONWARNINGS="ignore", TORCHINDUCTOR_CACHE_DIR=str(place / "inductor"),
             JAX_COMPILATION_CACHE_DIR=str(place / "jax"), **targets.peer_environment(target))
  listing = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
  found = [line.split()[-1] for line in listing.splitlines() if "libtcmalloc_minimal.so" in line]
  if found:
    env["LD_PRELOAD"] = found[0]
  else:
    env.update(MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="1099511627776",
               MALLOC_TOP_PAD_="268435456", MALLOC_ARENA_MAX="1")
  return env


def die_first():
  """Out of memory, the measured process goes, not a neighbour."""
  try:
    pathlib.Path("/proc/self/oom_score_adj").write_text("1000")
  except OSError:
    pass


def wait_until_quiet(patience_s):
  begin = time.time()
  while True:
    load = common.OthersLoad()
    time.sleep(SETTLE_S)
    if load.now() <= QUIET_LOAD or time.time() - begin > patience_s:
      return load.now()


def failure_of(code, errors):
  if code < 0:
    name = signal.Signals(-code).name
    return "out of memory (killed)" if name == "SIGKILL" else f"ended by {name}"
  lines = [line.strip() for line in errors.splitlines() if line.strip()]
  text = lines[-1] if lines else f"exit code {code}"
  memory = ("out of memory", "bad_alloc", "MemoryError", "RESOURCE_EXHAUSTED", "can't allocate memory")
  return "out of memory" if any(words.lower() in errors.lower() for words in memory) else text[:160]


def run_once(command, env, limit_s):
  """The run's JSON object, or {"skipped": reason}."""
  process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=env, preexec_fn=die_first, start_new_session=True)
  try:
    output, errors = process.communicate(timeout=limit_s)
  except subprocess.TimeoutExpired:
    os.killpg(process.pid, signal.SIGKILL)   # its own group: compilers that it started too
    process.communicate()
    return {"skipped": f"not done in {limit_s:.0f} s"}
  except BaseException:
    os.killpg(process.pid, signal.SIGKILL)
    raise
  if process.returncode != 0:
    return {"skipped": failure_of(process.returncode, errors)}
  return json.loads(output.strip().splitlines()[-1])


def rates_of(result):
  return result.get("rates") or result["tokens_per_second_each"]


def command_text(limits, command):
  words = [f"{name}={shlex.quote(value)}" for name, value in limits.items()]
  return " ".join([*words, shlex.join(command).replace(str(ROOT) + "/", "")])


def measure(a, plan, candidate, repetitions, fixed):
  row = plan.row
  is_brt = row.kind not in ("peer", "product")
  command = [*row.candidates[candidate].command, "--steps", str(repetitions)]
  if not is_brt:
    command += ["--budget", f"{plan.time_limit_s():.0f}"]
  before = wait_until_quiet(a.patience)
  load, begin = common.OthersLoad(), time.time()
  limits = (targets.brt_environment if is_brt else targets.peer_environment)(a.target)
  env = dict(os.environ, **limits) if is_brt else peer_environment(a.target)
  result = run_once(command, env, a.limit)
  line = dict(fixed, row=row.name, kind=row.kind, setting=row.candidates[candidate].words, wall_s=round(time.time() - begin, 1),
              others_before=round(before, 2), others_during=round(load.now(), 2),
              command=command_text(limits, command))
  if "skipped" in result:
    return dict(line, skipped=result["skipped"])
  peak = result.get("peak_rss_mib")
  kept = {key: result[key] for key in ("gemm_flops_per_second", "cpu", "kernel_target", "threads", "torch", "jax",
                                       "params") if key in result}
  if a.target:
    kept.pop("gemm_flops_per_second", None)   # of oneDNN, which is not held: matrix_product.py measures its own
  return dict(line, rates=rates_of(result), flops_per_token=result["flops_per_token"], peak_rss_mib=peak,
              alloc=result.get("alloc", "tcmalloc"), **kept)


# ---------------------------------------------------------------- rounds

def missing_reason(name):
  """Why a peer cannot run at all, or None; tools/bench_peers.sh leaves the reason in a file."""
  note = WORK / f"{name.replace(' ', '-')}.missing"
  return note.read_text().strip() if note.exists() else None


def known_reason(row, mode):
  if row.name == "meliad" and mode in ("read", "decode"):
    return "cannot generate with recurrence: its state would stay as it was"
  return missing_reason(row.name)


def choose(a, plan, fixed, write):
  """The first round of a row: all its candidates, the first one in full. Returns the fastest, or None."""
  speeds = {}
  for candidate in range(len(plan.row.candidates)):
    trial = candidate > 0
    line = measure(a, plan, candidate, TRIAL_STEPS if trial else plan.repetitions(), dict(fixed, trial=trial))
    write(line)
    if "rates" in line:
      speeds[candidate] = statistics.median(line["rates"])
  best = max(speeds, key=speeds.get, default=None)
  if best:   # so far only tried
    write(measure(a, plan, best, plan.repetitions(), fixed))
  return best


def compare(a, s, mode, plan, fixed, write):
  """All rounds of one table. plan: of each row, by name."""
  rows = rows_of(a, s, mode)
  for row in rows:
    if row.name not in plan:
      write(dict(fixed, row=row.name, kind=row.kind, skipped=known_reason(row, mode)))
  chosen = {}
  for number in range(max((of.rounds() for of in plan.values()), default=0)):
    running = [plan[row.name] for row in rows if row.name in plan and number < plan[row.name].rounds()]
    for of in running if number % 2 == 0 else reversed(running):   # a drift of the machine then hits none more than others
      in_round = dict(fixed, round=number + 1)
      if number == 0:
        chosen[of.row.name] = choose(a, of, in_round, write)
      elif chosen[of.row.name] is not None:
        write(measure(a, of, chosen[of.row.name], of.repetitions(), in_round))


def version_of_brt(a):
  """Ends with the program's own message if it does not run the target; that lists those it runs."""
  env = dict(os.environ, **targets.brt_environment(a.target))
  result = subprocess.run([a.brt, "--version"], capture_output=True, text=True, env=env, check=False)
  if result.returncode != 0:
    sys.exit(("compare.py: --target " + a.target + ": " if a.target else "") + result.stderr.strip())
  return result.stdout.strip()


def text_of(*command):
  result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
  return result.stdout.strip() if result.returncode == 0 else ""


def machine():
  fields = dict(line.split(":", 1) for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if ":" in line)
  return {"cores": len(os.sched_getaffinity(0)), "memory_gib": round(int(fields["MemTotal"].split()[0]) / 2**20, 1),
          "system": " ".join((os.uname().sysname, os.uname().release))}


def print_line(line):
  what = f"{line['size']:8}{line['mode']:8}{line['row']:28}"
  if "skipped" in line:
    print(f"{what}skipped: {line['skipped']}", flush=True)
  else:
    print(f"{what}{statistics.median(line['rates']):12.1f} tokens/s  {line['setting']}, round {line['round']}"
          f"{' (trial)' if line.get('trial') else ''}, {line['wall_s']:.0f} s, others' load {line['others_during']:.2f}",
          flush=True)


def words_in(choices):
  def parse(text):
    words = text.split(",")
    unknown = [word for word in words if word not in choices]
    if unknown:
      raise argparse.ArgumentTypeError(f"unknown \"{unknown[0]}\"; known: {', '.join(choices)}")
    return words
  return parse


def main():
  p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  p.add_argument("--brt", required=True, help="the program")
  p.add_argument("--target", choices=list(targets.TARGETS), default="", help="hold all programs to its instructions")
  p.add_argument("--sizes", type=words_in(list(common.SIZES)), help="with commas; all, with --target small")
  p.add_argument("--modes", type=words_in(MODES), help="with commas; all, with --target train,eval,decode")
  p.add_argument("--peers", type=words_in(PEERS), help="with commas; all, with --target plain-torch")
  p.add_argument("--all", action="store_true", help="reading and generation of 150m, too")
  p.add_argument("--minutes", type=float, default=60, help="which the plan keeps to, by fewer samples of the longest rows")
  p.add_argument("--quick", action="store_true", help="three samples of every row")
  p.add_argument("--plan", action="store_true", help="only print the plan")
  p.add_argument("--limit", type=float, default=900, help="seconds after which a run is ended and its row given up")
  p.add_argument("--patience", type=float, default=240, help="longest wait, in seconds, for a quiet machine")
  p.add_argument("--output", default=str(WORK / "results.jsonl"), help="lines are added to this file")
  a = p.parse_args()
  a.brt = str(pathlib.Path(a.brt).resolve())
  a.sizes = a.sizes or (["small"] if a.target else ["small", "medium", "150m"])
  a.modes = a.modes or (["train", "eval", "decode"] if a.target else list(MODES))
  a.peers = a.peers or (["plain-torch"] if a.target else list(PEERS))
  if a.target and platform.machine() != "x86_64":
    sys.exit("compare.py: --target knows the instructions of x86-64 only\nhint: without it the machine's own are measured")
  version = version_of_brt(a)
  plan = make_plan(a)
  print_plan(a, plan)
  if a.plan:
    return
  versions = json.loads((WORK / "versions.json").read_text()) if (WORK / "versions.json").exists() else {}
  fixed_for_all = {"date": time.strftime("%Y-%m-%d %H:%M"), "commit": text_of("git", "describe", "--always", "--dirty"),
                   "brt_version": version.replace("\n", ", "), "machine": machine(), "versions": versions}
  if a.target:
    fixed_for_all["target"] = a.target
  with open(a.output, "a", encoding="utf-8") as output:
    def write(line):
      print_line(line)
      output.write(json.dumps(line) + "\n")
      output.flush()
    for size, mode in tables_of(a):
      table = f"{size} {mode} {time.time():.0f}"   # lines of one table belong together
      rows = {key[2]: of for key, of in plan.items() if key[:2] == (size, mode)}
      compare(a, common.SIZES[size], mode, rows, dict(fixed_for_all, table=table, size=size, mode=mode), write)


if __name__ == "__main__":
  main()
