# SPDX-License-Identifier: Apache-2.0
"""What single settings are worth (groups ablation and ablation-*)."""

from results import text
from results.collection import corpora_of
from results.gain import gain_of_state, gain_over
from results.main_table import BASELINE, RECURRENT, figures


def section(collection):
    results = [result for result in collection.of_groups("ablation") if result.losses()]
    if not results:
        return None
    parts = ["## Ablations\n", INTRO]
    for corpus in corpora_of(results):
        of_corpus = [result for result in results if result.corpus == corpus]
        parts += [f"### {text.heads(corpus)}, one setting changed\n", corpus_table(collection, of_corpus)]
        groups = dict.fromkeys(result.group for result in of_corpus)
        parts.append(text.commands(*(f"{group}-{corpus}-*" for group in groups)))
    return "\n".join([*parts, f"Program: {text.programs(results)}.\n"]), {}


INTRO = f"""Each row is {RECURRENT} with the settings named changed, on the test documents; `{RECURRENT}` and `{BASELINE}` are those
of as many steps, which the gains are over; where a change was made to both, {BASELINE} is the one with the change too. A gain over
{RECURRENT} below zero says that the change does harm. The interval is over test documents.
"""


def corpus_table(collection, results):
    groups = {}
    for result in results:
        standard = Standard(collection, result)
        key = (result.planned_tokens, result.is_recurrent, standard.changes())
        groups.setdefault(key, []).append(standard)
    rows = [row(changes, of) for (_, _, changes), of in sorted(groups.items(), key=order)]
    head = ["changed", "seeds", "parameters", "tokens", "carried", "without state", f"gain over {RECURRENT}", "95 %",
            f"gain over {BASELINE}", "95 %", "gain of the state"]
    return text.table(head, rows)


def order(item):
    (tokens, recurrent, changes), standards = item
    is_standard = not changes or changes == MISSING
    return tokens, not is_standard, not recurrent, min(standard.result.losses()["bits_per_byte"] for standard in standards)


MISSING = "?"


class Standard:
    """A run and what it is held beside: rec and slide of the same corpus, seed and tokens in group ablation or main.

    Groups ablation-NAME change settings for all their models: one that has a slide of its own is held beside that."""

    def __init__(self, collection, result):
        self.result = result
        standard = [*collection.of_group("ablation"), *collection.of_group("main")]
        self.rec = self.like(standard, RECURRENT)
        self.slide = self.like(standard, BASELINE)
        # What the settings are compared with, and what the losses are.
        self.base = self.rec if result.is_recurrent else self.slide
        if result.is_recurrent:
            self.slide = self.like(collection.of_group(result.group), BASELINE) or self.slide

    def like(self, results, model):
        terms = self.result.corpus, self.result.seed, self.result.planned_tokens
        return next((other for other in results if other.model == model and other.losses()
                     and (other.corpus, other.seed, other.planned_tokens) == terms), None)

    def changes(self):
        return MISSING if self.base is None else changes_text(self.result.terms(), self.base.terms())


def value_text(value):
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def changes_text(terms, base):
    changed = [key for key in terms if key in base and terms[key] != base[key]]
    return "; ".join(f"`{key.removeprefix('model.')}` {value_text(terms[key])} (was {value_text(base[key])})"
                     for key in changed)


def row(changes, standards):
    results = [standard.result for standard in standards]
    first = results[0]
    if not changes:
        name = f"**{first.model}**, nothing"
    else:
        name = f"{first.model}, nothing to compare with" if changes == MISSING else changes
        if not first.is_recurrent and changes != MISSING:
            name = f"{first.model}: {changes}"
    tokens = min(result.tokens for result in results)
    cells = [name, len(results), f"{first.parameters:,}", text.millions(tokens)]
    for carry in ("carried", "none"):
        cells.append(figures(results, carry, "bits_per_byte"))
    for base in ("rec", "slide"):
        pairs = [(standard.result, other) for standard in standards
                 if (other := getattr(standard, base)) is not None and other is not standard.result]
        if len(pairs) == len(standards):
            over = gain_over([own for own, _ in pairs], [other for _, other in pairs])
            cells += [text.percent(over.value), text.interval(over)]
        else:
            cells += ["", ""]
    return [*cells, text.percent(gain_of_state(results).value) if first.is_recurrent else ""]
