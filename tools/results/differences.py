# SPDX-License-Identifier: Apache-2.0
"""What differs from the paper, and why; needs a run to take the settings from."""

from results import paper, text
from results.collection import CORPORA

REASONS = {
    "size": "What two cores learn from some ten million tokens in hours.",
    "tokens": "Hours in place of weeks. What needs more text than this to show does not show here.",
    "vocabulary": "Small, or the table of embeddings would be most of the model. Each corpus has its own.",
    "optimizer": "Chosen among several by what they learned from few tokens; see the recipe.",
    "dropout": "Left out: a small model, few passes over the text.",
    "corpora": "Small, and free to use.",
}


def section(collection):
    result = example(collection)
    if result is None:
        return None
    head = ["", f"paper, {paper.PARAMETERS} parameters", f"here, {result.model} of {result.group}", "why"]
    parts = ["## What differs from the paper, and why\n", text.table(head, list(settings_rows(result)), left=4), MODEL_TEXT,
             text.commands(f"{result.group}-*")]
    if collection.corpora:
        known = {corpus: collection.corpora[corpus] for corpus in CORPORA if corpus in collection.corpora}
        parts += ["### The corpora\n", corpora_table(known), CORPORA_TEXT,
                  "".join(f"- {corpus}: {of['text']}. {text.heads(of['source'])}.\n" for corpus, of in known.items())]
    return "\n".join(parts), {}


def example(collection):
    """A run of rec with the recipe of the main table, of that table if it has one."""
    runs = [of for group in ("main", "recipe") for of in collection.of_groups(group) if of.model == "rec"]
    return next((of for of in runs if collection.is_main_recipe(of)), None)


MODEL_TEXT = """How the model itself differs stands in [design.md](design.md#differences-from-the-paper). The baselines are the
paper's: one layer more than the recurrent model.
"""

CORPORA_TEXT = """Validation and test are whole documents that are not in the training split, but code and latex have directories of
the Linux kernel and chapters of the Stacks project in all three: a style, names and labels that they share with what was learned
from. The texts are not in the repository; `tools/experiments --help` says how they must lie. `results/corpora.toml` has these
figures.
"""


def settings_rows(result):
    shape, train, optimizer, published = result.shape, result.settings["train"], result.settings["optimizer"], paper.SETTINGS
    theirs_step = published["lanes"] * published["segment"]
    yield ("size", f"{paper.PARAMETERS} parameters: {shape_text(published)}",
           f"{text.millions(result.parameters, 2)} parameters: {shape_text(shape)}", REASONS["size"])
    in_proportion = all(shape[key] * published["width"] == published[key] * shape["width"]
                        for key in ("window", "segment", "num_states"))
    yield ("window, segment, states", window_text(published), window_text(shape),
           "As much of the width as in the paper." if in_proportion else "")
    yield ("tokens", f"{published['steps']:,} steps of {theirs_step:,}: {published['steps'] * theirs_step / 1e9:.1f} G",
           f"{train['steps']:,} steps of {result.step_tokens:,}: {text.millions(result.tokens)}", REASONS["tokens"])
    yield "vocabulary", paper.VOCABULARY, f"{shape['vocab_size']:,} pieces (SentencePiece)", REASONS["vocabulary"]
    clipping = f"gradient clipped at {optimizer['clip_norm']:g}" if optimizer["clip_norm"] else "no clipping of the whole gradient"
    yield ("optimiser", paper.OPTIMIZER, f"{optimizer['type']}, rate {optimizer['rate']:g}, {optimizer['warmup']:,} steps of "
           f"warm-up, then {optimizer['schedule']}; {clipping}", REASONS["optimizer"])
    yield "dropout", published["dropout"], f"{train['dropout']:g}", "" if train["dropout"] else REASONS["dropout"]
    yield "corpora", "PG19, arXiv, GitHub", "books, latex, code; see below", REASONS["corpora"]


def shape_text(shape):
    return (f"{shape['num_layers']} layers of width {shape['width']}, {shape['num_heads']} heads of {shape['head_size']}, "
            f"feed-forward {shape['ffn_width']}")


def window_text(shape):
    return f"{shape['window']}, {shape['segment']}, {shape['num_states']}"


def corpora_table(known):
    rows = [[corpus, of["beside"], of["train"]["documents"], text.millions(of["train"]["bytes"]), text.millions(of["train"]["tokens"]),
             *(f"{of[split]['documents']}, {text.millions(of[split]['bytes'])}" for split in ("validation", "test"))]
            for corpus, of in known.items()]
    head = ["", "in the paper", "training documents", "bytes", "tokens", "validation documents, bytes", "test documents, bytes"]
    return text.table(head, rows, left=2)
