# SPDX-License-Identifier: Apache-2.0
"""All that docs/results.md is made of: the results, the list of runs, and what is known beside them."""

import dataclasses
import json
import pathlib
import tomllib

from results.record import read_results
from results.run_list import expand_runs

CORPORA = ("code", "latex", "books")
TIMES = "step-times.json"  # of tools/experiments times
# The settings that make a recipe; steps and warm-up go with the length of a run.
RECIPE_KEYS = ("optimizer.type", "optimizer.rate", "train.lanes")  # and piece_bytes


@dataclasses.dataclass
class Collection:
    results: list
    listing: dict
    base: dict  # the recipe that the list starts from
    corpora: dict = dataclasses.field(default_factory=dict)
    times: dict = dataclasses.field(default_factory=dict)

    def of_group(self, name):
        return [result for result in self.results if result.group == name]

    def of_groups(self, prefix):
        """Groups named PREFIX or PREFIX-something."""
        return [result for result in self.results if f"{result.group}-".startswith(f"{prefix}-")]

    def missing(self):
        """(group, number of runs, runs without a result) of each group that is not complete."""
        there = {result.name for result in self.results}
        groups = {}
        for run in expand_runs(self.listing):
            groups.setdefault(run["group"], []).append(run)
        lacking = {group: [run for run in runs if run["name"] not in there] for group, runs in groups.items()}
        return [(group, len(groups[group]), runs) for group, runs in lacking.items() if runs]

    def main_recipe(self):
        """What the runs of the main table set of RECIPE_KEYS, as text; {} if the list has no group main."""
        groups = [group for group in self.listing["group"] if group["name"] == "main"]
        if not groups:
            return {}
        recipe = {key: str(self.base[key.split(".")[0]][key.split(".")[1]]) for key in RECIPE_KEYS}
        settings = [*self.listing.get("settings", []), *groups[0].get("settings", [])]
        given = dict(setting.split("=", 1) for setting in settings)
        recipe |= {key: value for key, value in given.items() if key in RECIPE_KEYS}
        return recipe | {"piece_bytes": str(groups[0].get("piece_bytes", 0))}

    def is_main_recipe(self, result):
        wanted, terms = self.main_recipe(), result.terms()
        return bool(wanted) and all(same_value(terms[key], value) for key, value in wanted.items())


def same_value(value, text):
    try:
        return float(value) == float(text)
    except ValueError:
        return str(value) == text


def corpora_of(results):
    """The corpora that have results, in the order of the page."""
    there = {result.corpus for result in results}
    return [corpus for corpus in CORPORA if corpus in there] + sorted(there - set(CORPORA))


def read_toml(path):
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def read_collection(folder, paths=None):
    """From a folder of results; `paths`: only these of its files."""
    folder = pathlib.Path(folder)
    listing = read_toml(folder / "runs.toml")
    base = read_toml(folder.parent / listing["recipe"])
    files = sorted(folder.glob("*.json")) if paths is None else paths
    times = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.name == TIMES]
    return Collection(read_results(files), listing, base, read_toml(folder / "corpora.toml"), *times)
