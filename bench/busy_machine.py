# SPDX-License-Identifier: Apache-2.0
"""Measures brt beside processes that spin, and alone, and prints the figures as Markdown.

    python3 bench/busy_machine.py --brt build/release/bin/brt > busy.md
    python3 bench/busy_machine.py --brt build/release/bin/brt --before old/brt   # alone, beside an older program
    python3 bench/busy_machine.py --brt build/release/bin/brt --quick            # a minute, rough figures

Needs a machine that does nothing else: what runs beside is started here. Default threads are compared with
--threads 1 in turns, so that both see the same machine; a figure is the median of the turns. Standard library only.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECIPE = ROOT / "recipes" / "small.toml"
SPINNERS = (0, 1, 2, 4)
CHOSEN = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "BRT_CPU_TARGET")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in CHOSEN}


# ---------------------------------------------------------------- what is run

class Spinners:
  """Processes that want a core each, for as long as the block lasts."""

  def __init__(self, count):
    self.count = count
    self.processes = []

  def __enter__(self):
    self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.count)]
    time.sleep(0.3 if self.count else 0.0)

  def __exit__(self, *_):
    for process in self.processes:
      process.kill()
      process.wait()


class Workplace:
  """Random text, prepared, and a model of size small that has seen a step of it."""

  def __init__(self, brt, folder, quick):
    self.brt = str(brt)
    self.folder = pathlib.Path(folder)
    self.tokens = 1500 if quick else 6000        # generated, a turn
    self.steps = 6 if quick else 20              # trained, a turn
    words = random.Random(1)
    for split, documents in (("train", 8), ("validation", 4 if quick else 8)):
      (self.folder / split).mkdir()
      for i in range(documents):
        text = " ".join("".join(words.choices("etaoinshrdlu", k=words.randint(2, 9))) for _ in range(5000))
        (self.folder / split / f"{i}.txt").write_text(text)
      self.run("prepare", "--input", split, "--output", "data", "--split", split)
    self.train("model", 1, threads=0)

  def command(self, arguments):
    return [self.brt, "--log-level", "warn"] + [str(argument) for argument in arguments]

  def run(self, *arguments, wrapper=()):
    done = subprocess.run(list(wrapper) + self.command(arguments), cwd=self.folder, env=ENVIRONMENT,
                          capture_output=True, text=True)
    if done.returncode != 0:
      sys.exit(f"brt {arguments[0]}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout

  def train(self, run, steps, threads):
    self.run("train", "--config", RECIPE, "--run", run, "--set", "data.path=data", "--set", f"train.steps={steps}",
             "--set", "train.log_every=1", "--set", "evaluation.every=0", "--set", f"train.threads={threads}")
    lines = [json.loads(line) for line in (self.folder / run / "metrics.jsonl").read_text().splitlines()]
    return [line["tokens_per_second"] for line in lines if "tokens_per_second" in line]

  # Each gives tokens per second, as the program itself tells them: from the first token to the last.

  def generate_rate(self, threads):
    return json.loads(self.run(*self.generate_arguments(threads)))["tokens_per_second"]

  def generate_arguments(self, threads):
    return ("generate", "--model", "model", "--prompt", "it was", "--tokens", self.tokens, "--logit-bias", "256=-1000",
            "--threads", threads, "--json")

  def eval_rate(self, threads):
    return json.loads(self.run("eval", "--model", "model", "--data", "data", "--split", "validation", "--dtype",
                               "bf16", "--threads", threads, "--json"))["tokens_per_second"]

  def train_rate(self, threads):
    run = f"run-{time.monotonic_ns()}"
    rates = self.train(run, self.steps, threads)[1:]  # the first step takes memory
    return statistics.harmonic_mean(rates)

  def bench(self, program, mode, steps):
    done = subprocess.run([str(program), "bench", mode, "--config", str(RECIPE), "--steps", str(steps), "--json"],
                          env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


# ---------------------------------------------------------------- the tables

def in_turns(turns, measures):
  """The median of each measure, taken in turns."""
  taken = [[] for _ in measures]
  for _ in range(turns):
    for figures, measure in zip(taken, measures):
      figures.append(measure())
  return [statistics.median(figures) for figures in taken]


def print_row(cells):
  print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def print_beside_spinners(place, turns):
  print("\n## Beside processes that spin\n\nTokens per second with default threads, with one thread, and their "
        "ratio (wanted: 0.8).\n")
  print_row(["beside"] + [f"{verb}{part}" for verb in ("generate", "eval", "train")
                          for part in (", default", ", one thread", ", ratio")])
  print_row(["---"] + ["--:"] * 9)
  for count in SPINNERS:
    cells = [f"{count} processes"]
    for rate in (place.generate_rate, place.eval_rate, place.train_rate):
      with Spinners(count):
        default, one = in_turns(turns, [lambda: rate(0), lambda: rate(1)])
      cells += [f"{default:,.0f}", f"{one:,.0f}", f"{default / one:.2f}"]
    print_row(cells)


def many_at_once(place, count):
  """Tokens per second of all together, from the start of the first to the end of the last."""
  commands = [place.command(place.generate_arguments(0)) for _ in range(count)]
  processes = [subprocess.Popen(command, cwd=place.folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
               for command in commands]
  outputs = [process.communicate()[0] for process in processes]
  return sum(json.loads(output)["tokens_per_second"] for output in outputs)


def print_together(place, turns):
  eight, alone = in_turns(turns, [lambda: many_at_once(place, 8), lambda: place.generate_rate(0)])
  print("\n## Several at once\n")
  print_row(["", "tokens/s"])
  print_row(["---", "--:"])
  print_row(["one `generate`", f"{alone:,.0f}"])
  print_row(["8 at once, together", f"{eight:,.0f}"])
  print_row(["ratio (wanted: 0.7)", f"{eight / alone:.2f}"])


def print_one_core(place, turns):
  wrapper = ("taskset", "-c", "0")
  def rate(threads):
    return json.loads(place.run(*place.generate_arguments(threads), wrapper=wrapper))["tokens_per_second"]
  default, one = in_turns(turns, [lambda: rate(0), lambda: rate(1)])
  print("\n## On one core (`taskset -c 0 brt generate`)\n")
  print_row(["default threads", "one thread", "ratio (wanted: 1)"])
  print_row(["--:"] * 3)
  print_row([f"{default:,.0f}", f"{one:,.0f}", f"{default / one:.2f}"])


def print_alone(place, before, turns, quick):
  """p50 and p99 are of a token's step. Turns of both programs, so that drift of the machine hits both."""
  programs = ([before] if before else []) + [place.brt]
  print("\n## Alone (`brt bench --config recipes/small.toml`)\n")
  print_row(["", *(["before", "now", "now / before"] if before else ["now"])])
  print_row(["---"] + ["--:"] * (3 if before else 1))
  figures = {}
  for mode, keys in (("decode", ("tokens_per_second", "p50_ms", "p99_ms")), ("read", ("tokens_per_second",)),
                     ("eval", ("tokens_per_second",)), ("train", ("tokens_per_second",))):
    for _ in range(turns):
      for program in programs:
        result = place.bench(program, mode, 3 if quick else 9)
        for key in keys:
          figures.setdefault((mode, key), {}).setdefault(program, []).append(result[key])
  for (mode, key), by_program in figures.items():
    medians = [statistics.median(by_program[program]) for program in programs]
    shown = [f"{value:,.0f}" if value > 100 else f"{value:.3f}" for value in medians]
    ratio = [f"{medians[-1] / medians[0]:.3f}"] if before else []
    print_row([f"{mode}, {key}"] + shown + ratio)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--brt", required=True, type=pathlib.Path)
  parser.add_argument("--before", type=pathlib.Path, help="an older program, compared alone")
  parser.add_argument("--turns", type=int, default=5)
  parser.add_argument("--quick", action="store_true")
  arguments = parser.parse_args()
  turns = 1 if arguments.quick else arguments.turns
  before = arguments.before.resolve() if arguments.before else None
  print(f"# brt on a busy machine\n\n{os.cpu_count()} cores; load {os.getloadavg()[0]:.2f} when this began; medians of "
        f"{turns} turns.")
  with tempfile.TemporaryDirectory() as folder:
    place = Workplace(arguments.brt.resolve(), folder, arguments.quick)
    print_alone(place, before, turns, arguments.quick)
    print_one_core(place, turns)
    print_together(place, turns)
    print_beside_spinners(place, turns)


if __name__ == "__main__":
  main()
