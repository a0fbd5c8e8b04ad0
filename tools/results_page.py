#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/results.md and its plots from results/.

  tools/results_page.py          writes them (make results)
  tools/results_page.py --check  says whether they are what the results under version control make; exit code 1 if not

Sections without results are left out. Needs only Python 3.11.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import textwrap

from results import ablations, growth, main_table, paper, position, recipe, text
from results import differences as paper_differences
from results.collection import corpora_of, read_collection
from results.gain import gain_over, seed_pairs
from results.run_list import ExperimentError

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECTIONS = (main_table, growth, position, ablations, recipe, paper_differences)
WIDTH = 124

INTRO = """# What recurrence is worth

Whether a model with recurrence needs fewer bits than the same model without it, and than the paper's baselines, on three kinds
of long documents. `make results` writes this page from `results/`, whose runs `tools/experiments run` makes from the list
`results/runs.toml`, one thread each; a run takes hours, and a table appears when its first results are
there.
"""

HEADLINE = """The gain of the recurrent model over the sliding window with one layer more, the share of bits that are saved, on test
documents; in brackets the paper's:
"""
HEADLINE_END = """*Ahead* and *behind* are said where the 95 % interval over test documents leaves out zero.
"""


def headline(collection):
    """The claim on each corpus in a line, as far as there are results."""
    results = [result for result in collection.of_group("main") if result.losses()]
    lines = []
    for corpus in corpora_of(results):
        of_corpus = [result for result in results if result.corpus == corpus]
        ours, others = seed_pairs(main_table.of_model(of_corpus, main_table.RECURRENT),
                                  main_table.of_model(of_corpus, main_table.BASELINE))
        if ours:
            standing = main_table.seeds_text(main_table.gains_by_seed(ours, others))
            published = f" ({100 * paper.gain(corpus):.1f} %)" if paper.gain(corpus) is not None else ""
            lines.append(f"- {corpus}: {text.percent(gain_over(ours, others).value)}{published}, {standing}\n")
    return "\n".join([HEADLINE, "".join(lines), HEADLINE_END]) if lines else ""


def missing_text(collection):
    missing = collection.missing()
    if not missing:
        return ""
    rows = [[group, f"{total - len(runs)} of {total}", "all" if len(runs) == total else runs_text(runs)]
            for group, total, runs in missing]
    return "## What is missing\n\n" + text.table(["group", "there", "missing"], rows, left=3) + "\n" + text.commands("*")


def runs_text(runs):
    """code: rec (seeds 2, 3), slide (seed 3); latex: ..."""
    seeds = {}
    for run in runs:
        seeds.setdefault(run["corpus"], {}).setdefault(run["model"], []).append(run["seed"])
    return "; ".join(f"{corpus}: " + ", ".join(f"{model} (seed{'s' if len(of) > 1 else ''} {', '.join(map(str, of))})"
                                               for model, of in models.items()) for corpus, models in seeds.items())


def wrapped(page):
    """Paragraphs and lists in lines of the usual length; tables, code, headings and pictures as they are."""
    parts = re.split(r"(^```.*?^```$)", page, flags=re.M | re.S)
    for index in range(0, len(parts), 2):
        paragraphs = re.split(r"(\n{2,}|\n(?=- ))", parts[index])
        parts[index] = "".join(paragraph if re.match(r"\s*([|#!]|$)", paragraph) else wrap(paragraph)
                               for paragraph in paragraphs)
    return "".join(parts)


def wrap(paragraph):
    indent = "  " if paragraph.lstrip("\n").startswith("- ") else ""
    end = "\n" if paragraph.endswith("\n") else ""
    start = "\n" if paragraph.startswith("\n") else ""
    return start + textwrap.fill(" ".join(paragraph.split()), WIDTH, subsequent_indent=indent, break_long_words=False,
                                 break_on_hyphens=False) + end


def make_page(collection):
    """{file name: text} of the page and its plots."""
    parts, files = [INTRO, headline(collection)], {}
    for module in SECTIONS:
        made = module.section(collection)
        if made:
            parts.append(made[0])
            files |= made[1]
    parts.append(missing_text(collection))
    page = wrapped("\n".join(part for part in parts if part))
    return {"results.md": page} | files


def files_under_version_control(folder):
    """The JSON files of results/ that git knows; all where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z", "*.json"], cwd=folder, capture_output=True, text=True, check=False)
    known = [folder / name for name in done.stdout.split("\0") if name]
    return [path for path in known if path.exists()] if done.returncode == 0 and known else sorted(folder.glob("*.json"))


def plots_of(folder):
    return {path.name for path in folder.glob("results-*.svg")}


def check(files, folder):
    """What is not as it should be; "" if all is."""
    wrong = [name for name, made in files.items()
             if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != made]
    return ", ".join(wrong + sorted(plots_of(folder) - files.keys()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "results", help="folder with runs.toml and the results")
    parser.add_argument("--docs", type=pathlib.Path, default=ROOT / "docs", help="folder of the page")
    arguments = parser.parse_args()
    try:
        known = files_under_version_control(arguments.results) if arguments.check else None
        files = make_page(read_collection(arguments.results, known))
    except ExperimentError as error:
        print(f"results_page: {error}", file=sys.stderr)
        return 1
    if arguments.check:
        wrong = check(files, arguments.docs)
        if wrong:
            print(f"results_page: not what {arguments.results} makes: {wrong}\nhint: make results", file=sys.stderr)
        return 1 if wrong else 0
    for stale in plots_of(arguments.docs) - files.keys():
        (arguments.docs / stale).unlink()
    for name, made in files.items():
        (arguments.docs / name).write_text(made, encoding="utf-8")
    print(f"{arguments.docs / 'results.md'} and {len(files) - 1} plots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
