# SPDX-License-Identifier: Apache-2.0
"""Writes docs/performance.md and its plot from the lines of bench/compare.py.

    python3 bench/page.py build/peers/results.jsonl docs/performance.md

Of every size and mode the newest table in the file counts. The plot lies beside the page, as SVG. What was measured
with --target makes a section of its own; a file that has nothing but it, or nothing of it, leaves the page the rest.
Standard library only.
"""

import argparse
import html
import json
import pathlib
import statistics

import targets

MODES = {"train": "Training", "eval": "Evaluation", "read": "Reading a prompt", "decode": "Generation"}
SIZES = ("small", "medium", "150m")
COLOURS = {"brt": "#1f5fa8", "plain torch": "#d9822b", "lucidrains": "#7a8a3a", "meliad": "#9a5f9f"}

INTRO = """# Performance

How fast `brt` trains, evaluates, reads and generates beside other programs for the same model, on one machine, one after another
within the same rounds. Written by `make bench`; the same command measures another machine.

![tokens per second](PLOT)

Each bar is a median; the thin line over it spans the quartiles. Within one field all bars have the same scale.
"""

HOW = """## How it was measured

- *Run* is a row's number of rounds and of the timed steps in each; the commands stand at the end of the page. A round runs
  every row that takes part once, each as a process of its own, the next round in reverse order; a run waits, four minutes
  at most, until the rest of the machine keeps no more than 0.3 cores busy. It warms up (compilation included), then times its
  steps. Tokens per second are the median over all rounds' steps, *spread* is their interquartile range as a part of it. Nine
  steps or more are the rule; so that all takes an hour, the slowest rows get fewer (`--minutes` gives more time).
- A training step is forward, backward and update; evaluation is forward and losses, with cache and state carried from segment
  to segment; both over the lanes of the command. Reading is a prompt's segment of one stream, up to the logits of its last
  token. Generation is one token at a time of each stream, a window of tokens per timed step so that each holds one update of
  the state; tokens per second are those of all streams together. Both go through the streaming engine of `brt`. Tokens are
  random.
- *Share* is the model's matrix products per second, each query counted with exactly one window of keys and a training step as
  three times the forward count, as a part of a bfloat16 product [4096, 1024] [1024, 1024] through LibTorch, timed between the
  steps of `brt`. The count is the same for every program, whatever it computes. *Load* is what others kept busy meanwhile, in
  cores, at its worst.
- *Memory* is the peak of the process, compilation included.
- Where a peer has several settings, the others are tried for two steps each and the fastest goes on. Peers run under tcmalloc if it is
  installed, which is their best allocator; `brt` has it built in.

What is not the same between the programs:

- **plain torch** ([bench/peers/plain_torch.py](../bench/peers/plain_torch.py)) is the recurrent model as a PyTorch user would write
  it around `scaled_dot_product_attention`: no position bias and no unit-length token keys, which lets it use the fused attention.
  An easier model than ours. Fused AdamW.
- **lucidrains** (block-recurrent-transformer-pytorch): one key/value head for all query heads, GEGLU of width 8/3 D, rotary
  positions, untied output table, an extra D x D matrix in the gate. Fused AdamW. Its `generate` runs a whole segment again
  for each token; here finished blocks stay in its memories and states, and only some of a block's tokens are timed, evenly
  spaced. Reading, it makes the logits of every token.
- **meliad** (google-research, JAX) is the paper's own code: the model that `brt` computes, too. Dropout 0, Adafactor, no
  metrics. It cannot generate with recurrence, nor read for that.
"""


def quantile(values, fraction):
  values = sorted(values)
  place = fraction * (len(values) - 1)
  below = int(place)
  above = min(below + 1, len(values) - 1)
  return values[below] + (values[above] - values[below]) * (place - below)


class Entry:
  """All lines of one row of a table."""

  def __init__(self, lines):
    done = [line for line in lines if "rates" in line and not line.get("trial")]
    self.name, self.kind = lines[0]["row"], lines[0]["kind"]
    self.skipped = None if done else lines[-1]["skipped"]
    if not done:
      return
    by_setting = {}
    for line in done:
      by_setting.setdefault(line["setting"], []).append(line)
    # What came first may not have gone on: the setting with most rounds, of equals the fastest.
    runs = max(by_setting.values(), key=lambda of: (len(of), statistics.median(of[0]["rates"])))
    rates = [rate for line in runs for rate in line["rates"]]
    self.setting, self.alloc, self.command = runs[0]["setting"], runs[0]["alloc"], runs[0]["command"]
    self.run = f"{len(runs)} x {max(len(line['rates']) for line in runs)}"
    self.rate, self.low, self.high = (quantile(rates, f) for f in (0.5, 0.25, 0.75))
    self.spread = (self.high - self.low) / self.rate
    self.memory = max(line["peak_rss_mib"] for line in runs)
    self.load = max(line["others_during"] for line in runs)
    self.flops = runs[0]["flops_per_token"] * self.rate


class Table:
  def __init__(self, lines):
    rows = {}
    for line in lines:
      rows.setdefault(line["row"], []).append(line)
    self.entries = {name: Entry(of) for name, of in rows.items()}
    products = [line["gemm_flops_per_second"] for line in lines if "gemm_flops_per_second" in line]
    self.product = statistics.median(products) if products else 0.0
    self.lines = lines

  def done(self, name):
    entry = self.entries.get(name)
    return entry if entry and not entry.skipped else None

  def peers(self):
    """In the order of the plan; what was not measured comes last."""
    entries = [entry for entry in self.entries.values() if entry.kind != "variant"]
    return sorted(entries, key=lambda entry: bool(entry.skipped))


def read_tables(path, sizes, target=""):
  """What was measured under a target, by size and mode; without one: as the machine is."""
  if not pathlib.Path(path).exists():
    return {}
  newest = {}
  for text in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
    line = json.loads(text)
    if line.get("target", "") != target:
      continue
    place = (line["size"], line["mode"])
    if place not in newest or newest[place][0]["table"] != line["table"]:
      newest[place] = []
    newest[place].append(line)
  return {(size, mode): Table(newest[size, mode]) for mode in MODES for size in sizes if (size, mode) in newest}


# ---------------------------------------------------------------- plot

CELL_WIDTH, BAR_HEIGHT, LABEL_WIDTH, TOP = 330, 20, 78, 34


def bar_of(entry, y, scale):
  name = f'<text x="{LABEL_WIDTH - 6}" y="{y + 13}" text-anchor="end">{html.escape(entry.name)}</text>'
  if entry.skipped:
    return name + f'<text x="{LABEL_WIDTH + 4}" y="{y + 13}" class="note">not measured</text>'
  width = entry.rate * scale
  middle = y + 9
  number = f"{entry.rate:,.0f}" if entry.rate >= 100 else f"{entry.rate:,.1f}"
  return (name + f'<rect x="{LABEL_WIDTH}" y="{y + 2}" width="{width:.1f}" height="14" fill="{COLOURS[entry.name]}"/>'
          f'<path d="M{LABEL_WIDTH + entry.low * scale:.1f} {middle}H{LABEL_WIDTH + entry.high * scale:.1f}" stroke="#111"/>'
          f'<text x="{LABEL_WIDTH + entry.high * scale + 5:.1f}" y="{y + 13}">{number}</text>')


def plot(tables):
  sizes = [size for size in dict.fromkeys(size for size, _ in tables)]
  modes = [mode for mode in MODES if any(of == mode for _, of in tables)]
  cell_height = 4 * BAR_HEIGHT + TOP
  parts = []
  for column, mode in enumerate(modes):
    for row, size in enumerate(sizes):
      table = tables.get((size, mode))
      if table is None:
        continue
      entries = [entry for entry in table.peers() if entry.name in COLOURS]
      longest = max([entry.high for entry in entries if not entry.skipped], default=1.0)
      scale = (CELL_WIDTH - LABEL_WIDTH - 70) / longest
      bars = "".join(bar_of(entry, TOP + i * BAR_HEIGHT, scale) for i, entry in enumerate(entries))
      parts.append(f'<g transform="translate({column * CELL_WIDTH},{row * cell_height + 8})">'
                   f'<text x="{LABEL_WIDTH}" y="24" class="head">{MODES[mode]}, {size}: tokens/s</text>{bars}</g>')
  width, height = len(modes) * CELL_WIDTH, len(sizes) * cell_height + 24
  return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
          '<style>text{font:12px sans-serif;fill:#222}.head{font-weight:bold}.note{fill:#777;font-style:italic}</style>\n'
          f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")


# ---------------------------------------------------------------- page

def speed_text(rate):
  return f"{rate:,.0f}" if rate >= 100 else f"{rate:,.2f}"


def rows_text(table):
  """Peers of one size and mode, fastest first, then those that could not be measured."""
  own = table.done("brt")
  lines = ["| | what ran | tokens/s | spread | run | memory | share | load | brt is |", "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
  entries = table.peers()
  for entry in sorted([e for e in entries if not e.skipped], key=lambda e: -e.rate):
    share = f"{100 * entry.flops / table.product:.1f} %" if table.product else "-"
    faster = "" if entry.kind != "peer" or not own else f"{own.rate / entry.rate:.2f} x"
    lines.append(f"| {entry.name} | {entry.setting}; {entry.alloc} | {speed_text(entry.rate)} | {100 * entry.spread:.1f} % | "
                 f"{entry.run} | {entry.memory:,.0f} MiB | {share} | {entry.load:.2f} | {faster} |")
  for entry in entries:
    if entry.skipped:
      lines.append(f"| {entry.name} | not measured: {entry.skipped.replace('|', '/')} | | | | | | | |")
  return "\n".join(lines)


def cost_text(tables):
  """The paper's claims of cost: a training step over as many tokens, beside the sliding window with a layer more."""
  chosen = [(size, table) for (size, mode), table in tables.items() if mode == "train" and table.done("brt slide, one layer more")]
  if not chosen:
    return ""
  lines = ["## What recurrence costs", "",
           "Time of a training step of `brt`, over as many tokens for each model, beside that of the sliding window with one layer",
           "more, which has about as many parameters as the recurrent model. `xl` is Transformer-XL with a window four times as long",
           "and without recurrence.", "",
           "| size | model | step time | tokens/s | spread | run | memory |", "|---|---|--:|--:|--:|--:|--:|"]
  for size, table in chosen:
    base = table.done("brt slide, one layer more")
    for entry in table.entries.values():
      if entry.kind == "peer":
        continue
      name = "rec-fixed-skip" if entry.kind == "brt" else entry.name.removeprefix("brt ")
      if entry.skipped:
        lines.append(f"| {size} | {name} | not measured: {entry.skipped.replace('|', '/')} | | | | |")
      else:
        lines.append(f"| {size} | {name} | {base.rate / entry.rate:.2f} | {speed_text(entry.rate)} | "
                     f"{100 * entry.spread:.1f} % | {entry.run} | {entry.memory:,.0f} MiB |")
  return "\n".join(lines) + "\n"


def distinct(values):
  return ", ".join(dict.fromkeys(str(value) for value in values if value))


def machine_text(tables):
  lines = [line for table in tables.values() for line in table.lines]
  versions = {}
  for line in lines:
    versions.update(line["versions"])
    versions.update({name: line[name] for name in ("torch", "jax") if name in line})
  product = [table.product for table in tables.values() if table.product]
  facts = {
      "CPU": distinct(line.get("cpu") for line in lines),
      "cores, memory": distinct(f"{line['machine']['cores']}, {line['machine']['memory_gib']} GiB" for line in lines),
      "system": distinct(line["machine"]["system"] for line in lines),
      "kernels": distinct(line.get("kernel_target") for line in lines),
      "bfloat16 product": f"{min(product) / 1e9:,.0f} to {max(product) / 1e9:,.0f} GFLOP/s" if product else "",
      "brt": distinct(f"{line['brt_version']}, commit {line['commit']}" for line in lines),
      "peers": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
      "measured": distinct(line["date"] for line in lines),
  }
  return "\n".join(["| | |", "|---|---|"] + [f"| {name} | {value} |" for name, value in facts.items() if value]) + "\n"


def commands_text(tables):
  parts = ["## Commands", "", "Paths are relative to the project's folder; `make bench` sets the environment."]
  for (size, mode), table in tables.items():
    parts += ["", f"{MODES[mode]}, {size}:", "", "```"]
    parts += [entry.command for entry in table.entries.values() if not entry.skipped]
    parts += ["```"]
  return "\n".join(parts) + "\n"


# ---------------------------------------------------------------- by CPU target

TARGET_HEAD = "## By CPU target"
TARGET_INTRO = f"""{TARGET_HEAD}

What a CPU with fewer instructions may expect: `make bench BENCH="--target avx2"` lets `brt` run on one of its CPU
targets and holds the peers, and what `brt` leaves to LibTorch, to the same instructions; the rest is as
[below](#how-it-was-measured). Tokens per second, in brackets their spread; *brt is* compares with the fastest peer of
the target. *Share* is what training makes of the speed of a matrix product [4096, 1024] [1024, 1024] through LibTorch,
held likewise and timed in turn, in float32 or bfloat16, whichever is faster.
"""
OF_BRT = {"brt": "brt, bf16", "brt, fp32": "brt, fp32", "brt, int8": "brt, int8"}   # rows, and their names here


def rate_text(entry, number):
  return f"{number} ({100 * entry.spread:.1f} %)"


def setting_text(entry):
  return ", ".join(entry.setting.split(", ")[:2])   # how it ran, and its precision


def target_cells(table, mode, name, product):
  """Of one row and mode: speed, how many times a peer's that is, and of training its share of the product."""
  entry = table.entries.get(name) if table else None
  cells = ["", "", ""] if mode == "train" else ["", ""]
  if entry is None:
    return cells
  if entry.skipped:
    cells[0] = f"not measured: {entry.skipped.replace('|', '/')}"
  elif entry.kind == "product":
    cells[0] = rate_text(entry, f"{entry.flops / 1e9:,.0f} GFLOP/s") + ", " + entry.setting
  else:
    cells[0] = rate_text(entry, speed_text(entry.rate))
    peers = [peer.rate for peer in table.entries.values() if peer.kind == "peer" and not peer.skipped]
    if entry.kind == "peer":
      cells[0] += ", " + setting_text(entry)
    elif peers:
      cells[1] = f"{entry.rate / max(peers):.2f} x"
    if mode == "train" and product:
      cells[2] = f"{100 * entry.flops / product.flops:.0f} %"
  return cells


def target_rows(by_target, size, modes):
  """Of each target the rows of brt, those of peers, the product."""
  lines = []
  for target, tables in by_target.items():
    of_size = {mode: tables[size, mode] for mode in modes if (size, mode) in tables}
    names = list(dict.fromkeys(name for table in of_size.values() for name in table.entries))
    names.sort(key=lambda name: (name == "matrix product", name not in OF_BRT))
    product = of_size["train"].done("matrix product") if "train" in of_size else None
    for name in names:
      cells = [cell for mode in modes for cell in target_cells(of_size.get(mode), mode, name, product)]
      lines.append(f"| {target if name == names[0] else ''} | {OF_BRT.get(name, name)} | {' | '.join(cells)} |")
  return lines


def target_text(path, sizes):
  """The section of what was measured under targets, or nothing."""
  by_target = {target: read_tables(path, sizes, target) for target in reversed(targets.TARGETS)}
  by_target = {target: tables for target, tables in by_target.items() if tables}
  if not by_target:
    return ""
  lines = [line for tables in by_target.values() for table in tables.values() for line in table.lines]
  facts = {"CPU": (line.get("cpu") for line in lines), "cores": (line["machine"]["cores"] for line in lines),
           "`brt`": (f"commit {line['commit']}" for line in lines), "LibTorch": (line.get("torch") for line in lines),
           "measured": (line["date"] for line in lines)}
  parts = [TARGET_INTRO, "; ".join(f"{name}: {distinct(values)}" for name, values in facts.items()) + ".\n"]
  measured = [place for tables in by_target.values() for place in tables]
  for size in (size for size in sizes if any(of == size for of, _ in measured)):
    modes = [mode for mode in MODES if (size, mode) in measured]
    head = [word for mode in modes for word in (MODES[mode].lower(), "brt is", *(["share"] if mode == "train" else []))]
    table = [f"| target | | {' | '.join(head)} |", "|---|---|" + "--:|" * len(head), *target_rows(by_target, size, modes)]
    parts.append(f"### {size}, by target\n\n" + "\n".join(table) + "\n")
  held = []
  for target in by_target:
    limits = " ".join(f"{name}={value}" for name, value in targets.peer_environment(target).items())
    held.append(f"- {target}: `{limits}`\n" if limits else f"- {target}: nothing\n")
  parts.append("What holds the peers:\n\n" + "".join(held))
  return "\n".join(parts)


def section_of(text):
  """The section by CPU target as a page has it, or nothing."""
  begin = text.find(f"{TARGET_HEAD}\n")
  end = text.find("\n## ", begin)
  return "" if begin < 0 else text[begin:end if end > 0 else len(text)]


def with_section(text, section):
  old = section_of(text)
  if old:
    return text.replace(old, section)
  place = text.find("## How it was measured\n")
  return f"{text}\n{section}" if place < 0 else f"{text[:place]}{section}\n{text[place:]}"


def page(tables, plot_name, section):
  parts = [INTRO.replace("PLOT", plot_name), machine_text(tables)]
  for mode, title in MODES.items():
    sections = [f"### {size}\n\n{rows_text(table)}\n" for (size, of), table in tables.items() if of == mode]
    if sections:
      parts += [f"## {title}\n", *sections]
  parts += [cost_text(tables), section, HOW, commands_text(tables)]
  return "\n".join(part for part in parts if part)


def main():
  p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  p.add_argument("results", help="lines of bench/compare.py")
  p.add_argument("page", help="Markdown file; the plot gets its name with .svg")
  p.add_argument("--sizes", default=",".join(SIZES), help="with commas; tiny is for checking only")
  a = p.parse_args()
  sizes = a.sizes.split(",")
  tables, section = read_tables(a.results, sizes), target_text(a.results, sizes)
  if not tables and not section:
    print(f"{a.results} has no table of {a.sizes}: {a.page} stays as it is")
    return
  target = pathlib.Path(a.page)
  before = target.read_text(encoding="utf-8") if target.exists() else "# Performance\n"
  if not tables:
    target.write_text(with_section(before, section), encoding="utf-8")
    print(f"{target}: the section by CPU target")
    return
  picture = target.with_suffix(".svg")
  picture.write_text(plot(tables), encoding="utf-8")
  text = page(tables, picture.name, section or section_of(before))
  others = sorted(path.name for path in target.parent.glob(f"{target.stem}-*.md"))
  if others:
    text += "\n## Other machines\n\n" + "".join(f"- [{name}]({name})\n" for name in others)
  target.write_text(text, encoding="utf-8")
  print(f"{target} and {picture}: {len(tables)} tables")


if __name__ == "__main__":
  main()
