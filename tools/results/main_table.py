# SPDX-License-Identifier: Apache-2.0
"""The main table: the models of the paper beside each other on each corpus (group main)."""

import statistics

from results import paper, text
from results.collection import corpora_of
from results.gain import RESAMPLES, Gain, gain_of_state, gain_over, seed_pairs

RECURRENT, BASELINE, WIDE = "rec", "slide", "xl-wide"
ORDER = (RECURRENT, "lstm-dual", BASELINE, "xl", WIDE)
FEW_DOCUMENTS = 12  # so few that each has a row


def section(collection):
    results = [result for result in collection.of_group("main") if result.losses()]
    if not results:
        return None
    parts = ["## The main table\n", INTRO]
    for corpus in corpora_of(results):
        of_corpus = [result for result in results if result.corpus == corpus]
        parts += [f"### {text.heads(corpus)}\n", corpus_table(collection, of_corpus), text.commands(f"main-{corpus}-*"),
                  standing_text(of_corpus), epochs_text(collection, corpus, of_corpus), document_table(of_corpus)]
    seeds = seed_table(results)
    if seeds:
        parts += ["### Gains with their intervals\n", SEEDS_INTRO, seeds]
        parts += [text.commands("main-*-rec-*", "main-*-lstm-dual-*", "main-*-slide-*")]
    parts += ["### The paper's figures\n", paper_table(), f"Program: {text.programs(results)}.\n", times_text(collection)]
    return "\n".join(part for part in parts if part), {}


INTRO = """Bits per byte of the test documents: *carried*, cache and state go from segment to segment; *without state*, the cache
does and the state is zero at the start of every segment; *nothing carried*, each segment is read alone (a segment of xl is its
window). Of several seeds the mean, and in brackets the lowest and the highest. *Gain over slide*: how many bits fewer than the
sliding window with one layer more, both carried, over the seeds that both have; negative is more bits. No figure is rounded in
favour of recurrence.
"""

SEEDS_INTRO = f"""The interval holds 95 % of what comes out when the test documents are drawn anew, with replacement, each with
the bits of both models (percentiles of {RESAMPLES:,} draws with a fixed seed). It tells how the gain would differ over other
documents, not over other seeds; of few documents such an interval is too narrow rather than too wide. *All* takes the bits of all
seeds together.
"""


def corpus_table(collection, results):
    base = of_model(results, BASELINE)
    with_words = any("word_perplexity" in result.losses() for result in results)
    step_times = collection.times.get("models", {})
    head = ["model", "", "layers", "window", "parameters", "tokens", "seeds", "carried", "without state", "nothing carried",
            "bits per token", *(["word perplexity"] if with_words else []), f"gain over {BASELINE}",
            *(["step time"] if BASELINE in step_times else [])]
    rows = [row(of_model(results, model), base, with_words, step_times) for model in models_of(results)]
    return text.table(head, rows, left=2)


def models_of(results):
    there = dict.fromkeys(result.model for result in results)
    return [model for model in ORDER if model in there] + [model for model in there if model not in ORDER]


def of_model(results, model):
    return [result for result in results if result.model == model]


def row(results, base, with_words, step_times):
    first = results[0]
    cells = [first.model, first.kind, first.shape["num_layers"], first.shape["window"], f"{first.parameters:,}",
             text.millions(min(result.tokens for result in results)), len(results)]
    cells += [figures(results, carry, "bits_per_byte") for carry in ("carried", "none", "reset")]
    cells.append(figures(results, "carried", "bits_per_token"))
    if with_words:
        cells.append(figures(results, "carried", "word_perplexity", digits=2))
    ours, others = seed_pairs(results, base)
    is_compared = first.model != BASELINE and ours
    gains = [found.value for found in gains_by_seed(ours, others)] if is_compared else []
    cells.append(gains_text(ours, others, gains) if gains else "")
    if BASELINE in step_times:
        own = step_times.get(first.model)
        cells.append(f"{text.ceiled(own['step_ms'] / step_times[BASELINE]['step_ms'], 2):.2f}" if own else "")
    return cells


def gains_by_seed(ours, others):
    return [gain_over([own], [other]) for own, other in zip(ours, others, strict=True)]


def gains_text(ours, others, gains):
    together = text.percent(gain_over(ours, others).value)
    return together if len(gains) == 1 else f"{together} ({text.percent(min(gains))} to {text.percent(max(gains))})"


def figures(results, carry, key, digits=4):
    values = [losses[key] for result in results if (losses := result.losses(carry)) and key in losses]
    recurrent = results[0].is_recurrent
    return text.spread(values, lambda value: text.loss(value, carry, recurrent, digits)) if values else ""


def standing_text(results):
    """What the table says of the claim, in words."""
    lines = []
    corpus = results[0].corpus
    ours, others = seed_pairs(of_model(results, RECURRENT), of_model(results, BASELINE))
    if ours:
        together = text.percent(gain_over(ours, others).value)
        lines.append(f"On {corpus} the gain of {RECURRENT} over {BASELINE} is {together}: {seeds_text(gains_by_seed(ours, others))}.")
        if paper.gain(corpus) is not None:
            lines.append(f"The paper's is {100 * paper.gain(corpus):.1f} %.")
    wide_ours, wide = seed_pairs(of_model(results, RECURRENT), of_model(results, WIDE))
    if wide:
        found = gain_over(wide_ours, wide)
        times = wide[0].shape["window"] / wide_ours[0].shape["window"]
        lines.append(f"Over {WIDE}, whose window is {times:g} times as wide, it is {text.percent(found.value)} "
                     f"({text.interval(found)}; {seed_count(wide)}): {STANDINGS[found.standing]}.")
    return " ".join(lines) + "\n" if lines else ""


STANDINGS = {"ahead": "ahead", "behind": "behind", "even": "the interval holds zero", "unknown": "no interval"}


def seed_count(results):
    return f"{len(results)} seed{'s' if len(results) > 1 else ''}"


def seeds_text(gains):
    """ahead with all 3 seeds, ..., by what their intervals say."""
    counts = {standing: sum(gain.standing == standing for gain in gains) for standing in STANDINGS}
    if len(gains) == 1:
        return f"{STANDINGS[gains[0].standing]} with its one seed"
    return text.words(f"{STANDINGS[standing]} with {'all' if count == len(gains) else f'{count} of the'} {len(gains)} seeds"
                      for standing, count in counts.items() if count)


def epochs_text(collection, corpus, results):
    known = collection.corpora.get(corpus)
    if not known:
        return ""
    tokens = [result.tokens / known["train"]["tokens"] for result in results]
    low, high = (f"{of(tokens):.1f}" for of in (min, max))
    often = low if low == high else f"{low} to {high}"
    return (f"Of the training split's {text.millions(known['train']['tokens'])} tokens each was learned from {often} times. "
            f"The test split has {known['test']['documents']} documents.\n")


def document_table(results):
    """Every test document of a corpus that has few of them."""
    ours, others = seed_pairs(of_model(results, RECURRENT), of_model(results, BASELINE))
    documents = others[0].losses()["by_document"] if others else []
    if not 0 < len(documents) <= FEW_DOCUMENTS:
        return ""
    rows = []
    for place, document in enumerate(documents):
        own, other = ([only(result.losses(), place) for result in side] for side in (ours, others))
        means = [statistics.fmean(losses["bits_per_byte"] for losses in side) for side in (own, other)]
        rows.append([document["name"].removesuffix(".txt"), f"{document['tokens']:,}", text.loss(means[0]),
                     text.loss(means[1], recurrent=False), text.percent(Gain(own, other).value)])
    return (f"By test document, mean of {seed_count(ours)}:\n\n"
            + text.table(["document", "tokens", RECURRENT, BASELINE, "gain"], rows)
            + "\n" + text.commands(*(f"main-{ours[0].corpus}-{model}-*" for model in (RECURRENT, BASELINE))))


def only(losses, place):
    """The losses of one document."""
    document = losses["by_document"][place]
    return document | {"by_document": [document]}


def seed_table(results):
    rows = []
    for corpus in corpora_of(results):
        of_corpus = [result for result in results if result.corpus == corpus]
        for model in models_of(of_corpus):
            ours, others = seed_pairs(of_model(of_corpus, model), of_model(of_corpus, BASELINE))
            if not ours or not ours[0].is_recurrent:
                continue
            rows += [seed_row([own], [other], own.seed) for own, other in zip(ours, others, strict=True)]
            if len(ours) > 1:
                rows.append(seed_row(ours, others, "all"))
    head = ["corpus", "model", "seed", "documents", f"gain over {BASELINE}", "95 %", "gain of the state", "95 %",
            f"paper, over {paper.BASELINE}"]
    return text.table(head, rows, left=2) if rows else ""


def seed_row(ours, others, seed):
    over, state = gain_over(ours, others), gain_of_state(ours)
    published = paper.gain(ours[0].corpus) if ours[0].model == RECURRENT else None
    return [ours[0].corpus, ours[0].model, seed, over.documents, text.percent(over.value), text.interval(over),
            text.percent(state.value), text.interval(state), "" if published is None else f"{100 * published:.1f} %"]


def paper_table():
    corpora = [("books", "PG19"), ("latex", "arXiv"), ("code", "GitHub")]
    rows = [[name, values["step time"], *(values[corpus] for corpus, _ in corpora)]
            for name, values in paper.BITS_PER_TOKEN.items()]
    rows.append([f"gain of {paper.RECURRENT} over {paper.BASELINE}", "",
                 *(f"{100 * paper.gain(corpus):.1f} %" for corpus, _ in corpora)])
    return text.table(["", "step time", *(name for _, name in corpora)], rows) + PAPER_TEXT


PAPER_TEXT = f"""
From the paper's Table 1: bits per token of models of {paper.PARAMETERS} parameters, window 512 (XL:2048: 2048), and step times beside
{paper.BASELINE}. Its tokens are other pieces of other texts, so only the gains can be held beside those above.
"""


def times_text(collection):
    times = collection.times
    if BASELINE not in times.get("models", {}):
        return ("Step times were not measured for these models; [performance.md](performance.md#what-recurrence-costs) has them "
                "for others.\n")
    threads = f"{times['threads']} thread{'s' if times['threads'] > 1 else ''}"
    return (f"*Step time* is that of a training step beside {BASELINE}'s, as many tokens each: medians of {times['steps']} steps "
            f"on {threads} ({times['cpu']}, target {times['kernel_target']}, commit `{times['commit']}`).\n\n"
            "```\ntools/experiments times\nmake results\n```\n")
