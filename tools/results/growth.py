# SPDX-License-Identifier: Apache-2.0
"""How the gain grows with tokens learned from and with size (groups main and growth-*)."""

import dataclasses
import math

from results import text
from results.collection import corpora_of
from results.gain import gain_over
from results.main_table import figures
from results.svg_plot import DASHES, Panel, Series, svg_plot

NEAR = 1.25  # a smoothed point is over the tokens from 1 / NEAR to NEAR times its own
FURTHER = 1.15  # from row to row of the table
FEWEST = 5  # points of a curve that make a smoothed one
TOKENS_PLOT, SIZE_PLOT = "results-growth.svg", "results-size.svg"


@dataclasses.dataclass
class Line:
    """The recurrent runs of one corpus, size and length, and their baselines, paired by seed."""

    ours: list
    others: list

    @property
    def corpus(self):
        return self.ours[0].corpus

    @property
    def size(self):
        return self.ours[0].shape["num_layers"], self.ours[0].shape["width"]

    @property
    def length(self):
        return self.ours[0].planned_tokens


def section(collection):
    found = lines(collection)
    if not found:
        return None
    plots = {}
    parts = ["## How the gain grows\n"]
    curves = [series for line in found if (series := curve_series(line, found)).points]
    if curves:
        dots = [series for line in found if (series := validation_series(line, found)).points]
        panel = Panel("Gain of rec over slide while they learn; dots: on validation tokens", "fewer bits per token, %",
                      curves + dots, height=300, zero_line=True)
        plots[TOKENS_PLOT] = svg_plot([panel], "tokens learned from")
        parts += [f"![gain over tokens]({TOKENS_PLOT})\n", TOKENS_INTRO, half_text(found)]
    table = validation_table(found)
    if table:
        parts += ["Gain on the validation tokens during training, the bits of all seeds together:\n", table,
                  text.commands(*patterns(found))]
    if len({line.size for line in found}) > 1 or len({line.length for line in found}) > 1:
        parts += size_parts(found, plots)
    return "\n".join(part for part in parts if part), plots


TOKENS_INTRO = f"""The line compares the training losses of both models over the same text: the bits of what they learned from
between 1 / {NEAR} and {NEAR} times as many tokens. Dots compare the losses of the periodic evaluation on validation documents. Where
a run is longer than its training split, the text of the line was read before; that of the dots never was. Several seeds are taken
together; the pale band spans them one by one. The rate falls towards the end of each run, so that a point within a longer run is
not what a shorter run would end with.
"""


def lines(collection):
    """Of every group the runs of models named rec* and slide* with one layer more, of equal width and tokens."""
    results = [result for result in [*collection.of_group("main"), *collection.of_groups("growth")] if result.losses()]
    found = {}
    for own in results:
        if not own.model.startswith("rec") or not own.is_recurrent:
            continue
        for other in results:
            if is_pair(own, other):
                line = found.setdefault((own.group, own.corpus, own.model, own.planned_tokens), Line([], []))
                line.ours.append(own)
                line.others.append(other)
                break
    order = {corpus: place for place, corpus in enumerate(corpora_of(results))}
    return sorted(found.values(), key=lambda line: (order[line.corpus], line.size, line.length))


def is_pair(own, other):
    def terms(result):
        return result.group, result.corpus, result.seed, result.planned_tokens, result.shape["width"]
    return (other.model.startswith("slide") and other.is_sliding_window and terms(other) == terms(own)
            and other.shape["num_layers"] == own.shape["num_layers"] + 1)


def smoothed_gain(pairs):
    """[(tokens, gain in per cent)] of (own curve, other curve) pairs at equal tokens, smoothed."""
    points = []
    for own, other in pairs:
        others = dict(map(tuple, other))
        points += [(tokens, loss, others[tokens]) for tokens, loss in own if tokens in others]
    points.sort()
    gains, first, last = [], 0, 0
    for tokens in sorted({point[0] for point in points}):
        while points[first][0] < tokens / NEAR:
            first += 1
        while last < len(points) and points[last][0] <= tokens * NEAR:
            last += 1
        near = points[first:last]
        if len(near) >= FEWEST * len(pairs):
            gains.append((tokens, 100 * (1 - math.fsum(own for _, own, _ in near) / math.fsum(other for *_, other in near))))
    return gains


def gain_curve(line):
    return smoothed_gain([(own.curve, other.curve) for own, other in zip(line.ours, line.others, strict=True)])


def validation_gains(line):
    """[(tokens, nominal tokens, gain as a share)] at each evaluation, the bits of the seeds together."""
    sums = {}
    for own, other in zip(line.ours, line.others, strict=True):
        others = {point[0]: point[1] for point in other.validation}
        every = own.settings["evaluation"]["every"] * own.step_tokens
        for place, (tokens, bits, *_) in enumerate(own.validation):
            if tokens in others:
                nominal = min((place + 1) * every, own.planned_tokens)
                before = sums.get(nominal, (tokens, 0.0, 0.0))
                sums[nominal] = (before[0], before[1] + bits, before[2] + others[tokens])
    return [(tokens, nominal, 1 - own / other) for nominal, (tokens, own, other) in sorted(sums.items())]


def look(line, found):
    """Colour by corpus, dash by size and length."""
    corpora = list(dict.fromkeys(of.corpus for of in found))
    kinds = sorted({(of.size, of.length) for of in found}, key=lambda kind: (kind[0][0] * kind[0][1] ** 2, kind[1]))
    dashes = list(DASHES)
    return {"colour": corpora.index(line.corpus), "dash": dashes[kinds.index((line.size, line.length)) % len(dashes)]}


def label(line, found):
    words = [line.corpus]
    if len({of.size for of in found}) > 1:
        words.append("{} layers of {}".format(*line.size))
    if len({of.length for of in found}) > 1:
        words.append(f"{text.millions(line.length, 0)} tokens")
    return ", ".join(words)


def curve_series(line, found):
    curve = gain_curve(line)
    return Series(label(line, found), curve, **look(line, found), band=seed_band(line))


def seed_band(line):
    if len(line.ours) == 1:
        return []
    each = [dict(smoothed_gain([(own.curve, other.curve)])) for own, other in zip(line.ours, line.others, strict=True)]
    common = sorted(set.intersection(*(set(curve) for curve in each)))
    return [(tokens, min(curve[tokens] for curve in each), max(curve[tokens] for curve in each)) for tokens in common]


def validation_series(line, found):
    points = [(tokens, 100 * share) for tokens, _, share in validation_gains(line)]
    return Series("", points, **look(line, found), markers=True, line=False)


def half_text(found):
    """Whether the gain still grew in the second half of each run."""
    sentences = []
    for line in found:
        curve = gain_curve(line)
        if len(curve) < 2:
            continue
        end = curve[-1]
        half = min(curve, key=lambda point: abs(point[0] - end[0] / 2))
        words = "grew" if end[1] > half[1] else "fell"
        sentences.append(f"{label(line, found)}: between {text.millions(half[0])} and {text.millions(end[0])} tokens it {words} "
                         f"from {text.percent(half[1] / 100)} to {text.percent(end[1] / 100)}")
    return "".join(f"- {sentence}\n" for sentence in sentences)


def validation_table(found):
    columns = [{nominal: share for _, nominal, share in validation_gains(line)} for line in found]
    all_places = {nominal for column in columns for nominal in column}
    rows = [[text.millions(nominal), *(text.percent(column[nominal]) if nominal in column else "" for column in columns)]
            for nominal in spaced_out(all_places, kept={max(column) for column in columns if column})]
    return text.table(["tokens", *(label(line, found) for line in found)], rows) if rows else ""


def spaced_out(places, kept):
    """Those that are to be kept, and of the others so many that each is well beyond the one before."""
    chosen = []
    for place in sorted(places):
        if place in kept or not chosen or place > FURTHER * chosen[-1]:
            chosen.append(place)
    return chosen


def patterns(found):
    return [f"{group}-*" for group in dict.fromkeys(line.ours[0].group for line in found)]


def size_parts(found, plots):
    head = ["corpus", "layers", "width", "parameters", "tokens", "seeds", "rec", "slide", "gain over slide", "95 %"]
    rows = []
    for line in found:
        over = gain_over(line.ours, line.others)
        losses = [figures(side, "carried", "bits_per_byte") for side in (line.ours, line.others)]
        rows.append([line.corpus, *line.size, f"{line.ours[0].parameters:,}", text.millions(line.length), len(line.ours),
                     *losses, text.percent(over.value), text.interval(over)])
    parts = ["### With size and tokens\n"]
    all_series = size_series(found)
    if any(len(series.points) > 1 for series in all_series):
        panel = Panel("Gain of rec over slide on the test documents", "fewer bits per byte, %", all_series, height=260,
                      zero_line=True)
        plots[SIZE_PLOT] = svg_plot([panel], "parameters of rec")
        parts.append(f"![gain over size]({SIZE_PLOT})\n")
    return [*parts, "Each row is a pair of models, on the test documents; layers and parameters are those of rec, slide has a layer "
            "more.\n", text.table(head, rows), text.commands(*patterns(found))]


def size_series(found):
    """A line a corpus and number of tokens; dashes tell numbers of tokens apart."""
    corpora = list(dict.fromkeys(line.corpus for line in found))
    lengths = sorted({line.length for line in found})
    points = {}
    for line in found:
        points.setdefault((line.corpus, line.length), []).append(
            (line.ours[0].parameters, 100 * gain_over(line.ours, line.others).value))
    dashes = list(DASHES)
    return [Series(f"{corpus}, {text.millions(length)} tokens", sorted(of), corpora.index(corpus),
                   dashes[lengths.index(length) % len(dashes)], markers=True)
            for (corpus, length), of in sorted(points.items(), key=lambda item: (corpora.index(item[0][0]), item[0][1]))]
