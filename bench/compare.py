# SPDX-License-Identifier: Apache-2.0
"""Runs brt and its peers one after another, round by round, and keeps one JSON line a run.

    python3 bench/compare.py --brt build/release/bin/brt --sizes small --modes train,eval

tools/bench_peers.sh makes what this needs, and bench/page.py the page. Standard library only.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import common  # noqa: E402

WORK = ROOT / "build" / "peers"
MODES = ("train", "eval", "decode")
QUIET_LOAD = 0.3   # cores that others may keep busy when a run begins


@dataclasses.dataclass(frozen=True)
class Row:
  """One line of a table: candidates are its settings, of which the fastest of the first round goes on."""
  name: str
  candidates: tuple   # of (words for the page, command)
  repetitions: int
  kind: str = "peer"  # "brt", "variant" (another model of brt) or "peer"


# ---------------------------------------------------------------- what is run

def brt_command(a, s, mode, repetitions, *settings):
  command = [a.brt, "bench", mode, "--json", "--steps", str(repetitions)]
  for setting in (f"model.size={s.name}", f"model.vocab_size={s.V}", f"train.lanes={s.B}",
                  f"evaluation.lanes={s.B}", "train.dtype=bf16", *settings):
    command += ["--set", setting]
  return command


def brt_variants(a, s, mode):
  """The models beside which the paper puts the cost of recurrence (its table 1)."""
  if mode != "train":
    return []
  window = 4 * s.W
  lanes = max(1, s.B * s.N // window)
  variants = [
      ("slide, one layer more", ("model.preset=slide", f"model.num_layers={s.L + 1}")),
      ("feedback-fixed-skip", ("model.preset=feedback-fixed-skip",)),
      (f"xl, window {window}", ("model.preset=xl", f"model.window={window}", f"train.lanes={lanes}")),
  ]
  return [Row("brt " + name, (("bf16", brt_command(a, s, mode, a.repetitions, *settings)),), a.repetitions,
              "variant") for name, settings in variants]


def python_peer(a, script, s, mode, *flags):
  return [str(WORK / "bin" / "python"), "-B", str(ROOT / "bench" / "peers" / script), "--size", s.name, "--mode", mode,
          "--steps", str(a.repetitions), "--budget", str(a.budget), *flags]


def rows_of(a, s, mode):
  precision = "bf16-weights" if mode == "decode" else "bf16"
  plain = tuple((f"{how}, {precision}, AdamW" if mode == "train" else f"{how}, {precision}",
                 python_peer(a, "plain_torch.py", s, mode, "--model", "brt", "--precision", precision, "--variant", how))
                for how in ("eager", "compile"))
  lucidrains = ["--repo", str(WORK / "lucidrains"), "--precision", "bf16"]
  if mode == "decode":
    stride = max(1, s.W // 64)
    lucid = (("eager, bf16, block by block",
              python_peer(a, "lucidrains_peer.py", s, "decode-blockwise", *lucidrains, "--stride", str(stride))),)
  else:
    lucid = tuple((f"eager, bf16{words}", python_peer(a, "lucidrains_peer.py", s, mode, *lucidrains, "--flash", flash))
                  for words, flash in (("", "0"), (", its flash attention", "1")))
  meliad = (("jit, bfloat16" + (", Adafactor" if mode == "train" else ""),
             python_peer(a, "meliad_peer.py", s, mode, "--meliad", str(WORK / "meliad"), "--dtype", "bfloat16")),)
  rows = [Row("brt", (("bf16", brt_command(a, s, mode, a.repetitions)),), a.repetitions, "brt"),
          Row("plain torch", plain, a.repetitions),
          Row("lucidrains", lucid, a.repetitions),
          Row("meliad", meliad, a.repetitions)]
  return rows + brt_variants(a, s, mode)


# ---------------------------------------------------------------- one run

def peer_environment():
  """Peers get tcmalloc, the best allocator found for them; without it, glibc told to keep its memory."""
  env = dict(os.environ, PYTHONWARNINGS="ignore", TORCHINDUCTOR_CACHE_DIR=str(WORK / "inductor"))
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
    time.sleep(2.0)
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


def measure(a, row, candidate, fixed):
  words, command = row.candidates[candidate]
  before = wait_until_quiet(a.patience)
  load, begin = common.OthersLoad(), time.time()
  env = peer_environment() if row.kind == "peer" else dict(os.environ)
  result = run_once(command, env, a.limit)
  line = dict(fixed, row=row.name, kind=row.kind, setting=words, wall_s=round(time.time() - begin, 1),
              others_before=round(before, 2), others_during=round(load.now(), 2),
              command=shlex.join(command).replace(str(ROOT) + "/", ""))
  if "skipped" in result:
    return dict(line, skipped=result["skipped"])
  peak = result.get("peak_rss_mib")
  kept = {key: result[key] for key in ("gemm_flops_per_second", "cpu", "kernel_target", "threads", "torch", "jax",
                                       "params") if key in result}
  return dict(line, rates=rates_of(result), flops_per_token=result["flops_per_token"], peak_rss_mib=peak,
              alloc=result.get("alloc", "own settings of glibc"), **kept)


# ---------------------------------------------------------------- rounds

def missing_reason(name):
  """Why a peer cannot run at all, or None; tools/bench_peers.sh leaves the reason in a file."""
  note = WORK / f"{name.replace(' ', '-')}.missing"
  return note.read_text().strip() if note.exists() else None


def known_reason(row, mode):
  if row.name == "meliad" and mode == "decode":
    return "cannot generate with recurrence: its state would stay as it was"
  return missing_reason(row.name)


def compare(a, s, mode, fixed, write):
  """All rounds of one table."""
  chosen, given_up = {}, {}
  for row in rows_of(a, s, mode):
    reason = known_reason(row, mode)
    if reason:
      given_up[row.name] = reason
      write(dict(fixed, row=row.name, kind=row.kind, skipped=reason))
  for number in range(a.rounds):
    rows = [row for row in rows_of(a, s, mode) if row.name not in given_up]
    for row in rows if number % 2 == 0 else reversed(rows):   # a drift of the machine then hits none more than others
      tried = [chosen[row.name]] if row.name in chosen else range(len(row.candidates))
      speeds = {}
      for candidate in tried:
        line = measure(a, row, candidate, dict(fixed, round=number + 1))
        write(line)
        if "rates" in line:
          speeds[candidate] = statistics.median(line["rates"])
      if speeds:
        chosen[row.name] = max(speeds, key=speeds.get)
      elif row.name not in chosen:
        given_up[row.name] = "failed"


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
    print(f"{what}{statistics.median(line['rates']):12.1f} tokens/s  {line['setting']}, round {line['round']},"
          f" {line['wall_s']:.0f} s, others' load {line['others_during']:.2f}", flush=True)


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
  p.add_argument("--sizes", type=words_in(list(common.SIZES)), default=["small", "medium", "150m"], help="with commas")
  p.add_argument("--modes", type=words_in(MODES), default=list(MODES), help="with commas")
  p.add_argument("--rounds", type=int, default=3)
  p.add_argument("--repetitions", type=int, default=3, help="timed steps of a run; all rounds together make the median")
  p.add_argument("--budget", type=float, default=60, help="seconds after which a peer's run times no further step")
  p.add_argument("--limit", type=float, default=600, help="seconds after which a run is ended and its row given up")
  p.add_argument("--patience", type=float, default=240, help="longest wait, in seconds, for a quiet machine")
  p.add_argument("--output", default=str(WORK / "results.jsonl"), help="lines are added to this file")
  a = p.parse_args()
  a.brt = str(pathlib.Path(a.brt).resolve())
  versions = json.loads((WORK / "versions.json").read_text()) if (WORK / "versions.json").exists() else {}
  fixed_for_all = {"date": time.strftime("%Y-%m-%d %H:%M"), "commit": text_of("git", "describe", "--always", "--dirty"),
                   "brt_version": text_of(a.brt, "--version").replace("\n", ", "), "machine": machine(),
                   "versions": versions, "rounds": a.rounds}
  with open(a.output, "a", encoding="utf-8") as output:
    def write(line):
      print_line(line)
      output.write(json.dumps(line) + "\n")
      output.flush()
    for name in a.sizes:
      for mode in a.modes:
        table = f"{name} {mode} {time.time():.0f}"   # lines of one table belong together
        compare(a, common.SIZES[name], mode, dict(fixed_for_all, table=table, size=name, mode=mode), write)


if __name__ == "__main__":
  main()
