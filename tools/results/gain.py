# SPDX-License-Identifier: Apache-2.0
"""How many bits one model saves beside another on the same documents, and how sure that is."""

import functools
import math
import random

from results.run_list import ExperimentError

RESAMPLES = 4000
LEVEL = 0.95
SEED = 2203  # any fixed number


class Gain:
    """A share of the other model's bits, 0.01 is 1 % fewer, with its interval over documents, at 95 %.

    Without two documents to draw from there is no interval: None."""

    def __init__(self, ours, others):
        """Of evaluations over others, paired in order."""
        bits = [[losses["bits_per_byte"] * losses["bytes"] for losses in side] for side in (ours, others)]
        self.value = saved_share(list(zip(*bits, strict=True)))
        self.pairs = tuple(paired_bits(ours, others).values())

    @property
    def documents(self):
        return len(self.pairs)

    @functools.cached_property
    def interval(self):
        return interval_of(self.pairs) if len(self.pairs) > 1 else None

    @property
    def standing(self):
        """ahead or behind if the whole interval is, else even; unknown without one."""
        if self.interval is None:
            return "unknown"
        low, high = self.interval
        return "ahead" if low > 0 else "behind" if high < 0 else "even"


def document_bits(losses):
    """Bits of every document, in the split's order."""
    return {document["name"]: document["bits_per_byte"] * document["bytes"] for document in losses["by_document"]}


def paired_bits(ours, others):
    """(our bits, other bits) of every document; of several pairs of runs the sums.

    `ours` and `others` are lists of the same length, of what an evaluation found."""
    sums = {}
    for own, other in zip(ours, others, strict=True):
        first, second = document_bits(own), document_bits(other)
        if list(first) != list(second) or own["bytes"] != other["bytes"] or (sums and list(sums) != list(first)):
            raise ExperimentError("results to be compared are of different documents")
        for name in first:
            before = sums.get(name, (0.0, 0.0))
            sums[name] = (before[0] + first[name], before[1] + second[name])
    return sums


def saved_share(pairs):
    """1 - (bits per byte of one) / (bits per byte of the other): the bytes are the same."""
    ours, others = zip(*pairs)
    return 1.0 - math.fsum(ours) / math.fsum(others)


def bootstrap_interval(pairs, resamples=RESAMPLES, level=LEVEL, seed=SEED):
    """Percentile interval of saved_share when documents are drawn anew, with replacement, each with both its bits."""
    generator = random.Random(seed)
    shares = sorted(saved_share(generator.choices(pairs, k=len(pairs))) for _ in range(resamples))
    cut = (1.0 - level) / 2 * (resamples - 1)
    return shares[math.floor(cut)], shares[math.ceil(resamples - 1 - cut)]


interval_of = functools.cache(bootstrap_interval)  # a page has most gains in several places


def gain_over(ours, others, split="test"):
    """The gain of runs over others, all carried."""
    return Gain([result.losses("carried", split) for result in ours],
                [result.losses("carried", split) for result in others])


def gain_of_state(results, split="test"):
    """What the state saves: carried beside the same model with its state zeroed at every segment."""
    return Gain([result.losses("carried", split) for result in results],
                [result.losses("none", split) for result in results])


def by_seed(results):
    return {result.seed: result for result in results}


def seed_pairs(ours, others):
    """Runs of both that have the same seed, as two lists in the order of seeds."""
    first, second = by_seed(ours), by_seed(others)
    seeds = sorted(first.keys() & second.keys())
    return [first[seed] for seed in seeds], [second[seed] for seed in seeds]
