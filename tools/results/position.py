# SPDX-License-Identifier: Apache-2.0
"""The loss along the document: what the models gain from what they have read (runs of group main)."""

import math

from results import text
from results.collection import corpora_of
from results.gain import seed_pairs
from results.main_table import BASELINE, RECURRENT, of_model, seed_count
from results.svg_plot import Panel, Series, svg_plot

FAR = 4096  # tokens; the border between the two gains of a document that the text compares
LOOKS = (  # model, carry, words, colour, dash
    (RECURRENT, "carried", "rec", 0, "solid"),
    (RECURRENT, "none", "rec, without state", 0, "dashed"),
    (RECURRENT, "reset", "rec, nothing carried", 0, "dotted"),
    (BASELINE, "carried", "slide", 1, "solid"),
    (BASELINE, "reset", "slide, nothing carried", 1, "dotted"),
)


def section(collection):
    results = [result for result in collection.of_group("main") if result.losses()]
    plots, shown = {}, {}
    for corpus in corpora_of(results):
        of_corpus = [result for result in results if result.corpus == corpus]
        ours, others = seed_pairs(of_model(of_corpus, RECURRENT), of_model(of_corpus, BASELINE))
        if ours:
            shown[corpus] = ours, others
            plots[f"results-position-{corpus}.svg"] = corpus_plot(corpus, ours, others)
    if not shown:
        return None
    parts = ["## Along the document\n", INTRO,
             *(f"![loss by position, {corpus}](results-position-{corpus}.svg)\n" for corpus in shown),
             "".join(f"- {far_text(corpus, *runs)}\n" for corpus, runs in shown.items()), position_table(shown),
             text.commands(*(f"main-*-{model}-*" for model in (RECURRENT, BASELINE)))]
    return "\n".join(parts), plots


INTRO = """Loss of the test documents by the position in them, over intervals that double (0, 128, 256, 512, ... tokens); below it,
how many bits fewer than the sliding window's, both models at the same positions. Far positions are those of few documents, and
positions differ in how hard their text is; the gain is over the same text.
"""


def bins(results, carry):
    """{(from, to): (tokens, bits)} of all seeds together; None if a run has no such evaluation."""
    sums = {}
    for result in results:
        losses = result.losses(carry)
        if losses is None:
            return None
        for part in losses["by_position"]:
            if part["tokens"]:
                tokens, bits = sums.get((part["from"], part["to"]), (0, 0.0))
                sums[part["from"], part["to"]] = tokens + part["tokens"], bits + part["tokens"] * part["bits_per_token"]
    return sums


def middle(place):
    start, end = place
    return math.sqrt(start * end) if start else end / 2


def gain_at(ours, others, places):
    """1 - bits / bits over these intervals."""
    return 1 - math.fsum(ours[place][1] for place in places) / math.fsum(others[place][1] for place in places)


def corpus_plot(corpus, ours, others):
    runs = {RECURRENT: ours, BASELINE: others}
    base = bins(others, "carried")
    losses, gains = [], []
    for model, carry, words, colour, dash in LOOKS:
        found = bins(runs[model], carry)
        if found is None:
            continue
        points = [(middle(place), bits / tokens) for place, (tokens, bits) in sorted(found.items())]
        losses.append(Series(words, points, colour, dash, markers=carry == "carried"))
        if model == RECURRENT and carry != "reset":
            points = [(middle(place), 100 * gain_at(found, base, [place])) for place in sorted(found) if place in base]
            gains.append(Series("", points, colour, dash, markers=carry == "carried"))
    return svg_plot([Panel(f"{text.heads(corpus)}: loss by position, {seed_count(ours)}", "bits per token", losses, 240),
                     Panel("Gain over slide; dashed: of rec without state", "fewer bits, %", gains, 150,
                           zero_line=True)], "tokens since the start of the document", binary=True)


def far_text(corpus, ours, others):
    own, base = bins(ours, "carried"), bins(others, "carried")
    sides = [[place for place in own if place in base and (place[1] <= FAR) == near] for near in (True, False)]
    gains = [gain_at(own, base, side) if side else None for side in sides]
    if None in gains:
        return f"{corpus}: no document reaches beyond token {FAR:,}"
    words = "more" if gains[1] > gains[0] else "less"
    return (f"{corpus}: {text.percent(gains[0])} in the first {FAR:,} tokens of the documents, {text.percent(gains[1])} after "
            f"them, which is {words}")


def position_table(shown):
    """Gains by position: over slide, and of the state."""
    columns = {corpus: (bins(ours, "carried"), bins(ours, "none"), bins(others, "carried"), len(ours))
               for corpus, (ours, others) in shown.items()}
    places = sorted({place for own, *_ in columns.values() for place in own})
    rows = []
    for place in places:
        cells = [f"{place[0]:,}"]
        for own, without, base, seeds in columns.values():
            if place not in own or place not in base:
                cells += ["", "", ""]
                continue
            cells += [f"{own[place][0] // seeds:,}", text.percent(gain_at(own, base, [place])),
                      text.percent(gain_at(own, without, [place])) if without else ""]
        rows.append(cells)
    head = ["from token", *(words for corpus in columns for words in (f"{corpus}: tokens", "over slide", "of the state"))]
    return text.table(head, rows)
