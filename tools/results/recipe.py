# SPDX-License-Identifier: Apache-2.0
"""The recipe: what was tried to learn most from few tokens (groups recipe-*)."""

from results import text
from results.collection import corpora_of
from results.gain import gain_of_state, gain_over, seed_pairs

SPLIT = "validation"


def section(collection):
    results = [result for result in collection.of_groups("recipe") if result.losses(split=SPLIT)]
    if not results:
        return None
    parts = ["## The recipe\n",
             "Short runs with several optimisers, rates and orders of the training text, judged on the validation documents. "
             "The rows of a model stand in the order of their loss. *Documents*: those of the training split, whole or in pieces "
             "that end with a line; evaluation reads whole ones. *Gain of the state*: how many bits fewer the model needs than "
             "the same model with its state zeroed at the start of every segment.\n"]
    for corpus in corpora_of(results):
        of_corpus = [result for result in results if result.corpus == corpus]
        parts += [corpus_table(collection, of_corpus), chosen_text(collection, of_corpus)]
    return "\n".join([*parts, f"Program: {text.programs(results)}.\n", text.commands("recipe-*")]), {}


def order(result):
    return not result.is_recurrent, result.model, result.losses(split=SPLIT)["bits_per_byte"]


def corpus_table(collection, results):
    rows = []
    for result in sorted(results, key=order):
        optimizer, train = result.settings["optimizer"], result.settings["train"]
        name = f"**{optimizer['type']}**" if collection.is_main_recipe(result) else optimizer["type"]
        losses = {carry: result.losses(carry, SPLIT) for carry in ("carried", "none", "reset")}
        figures = [text.loss(found["bits_per_byte"], carry, result.is_recurrent) if found else ""
                   for carry, found in losses.items()]
        state = text.percent(gain_of_state([result], SPLIT).value) if losses["none"] else ""
        rows.append([result.model, name, f"{optimizer['rate']:g}", train["lanes"], pieces_text(result), f"{train['steps']:,}",
                     text.millions(result.tokens), *figures, state])
    head = ["model", "optimiser", "rate", "lanes", "documents", "steps", "tokens", "bits per byte", "without state", "nothing carried",
            "gain of the state"]
    return text.table(head, rows, left=2)


def chosen_text(collection, results):
    """Which one the main table takes, whether it is the lowest, and how the models stand with it."""
    recurrent = sorted((result for result in results if result.is_recurrent), key=order)
    chosen = [result for result in recurrent if collection.is_main_recipe(result)]
    lines = []
    if recurrent:
        best = recurrent[0]
        most = text.percent(loss_of(recurrent[-1]) / loss_of(best) - 1)
        lines.append(f"On {best.corpus} the lowest loss of a recurrent model is that of {recipe_text(best)}; the highest, of "
                     f"{recipe_text(recurrent[-1])}, is {most} above it.")
        if chosen:
            more = text.ceiled(100 * (loss_of(chosen[0]) / loss_of(best) - 1), 2)
            lines.append("The runs of the main table take it (in bold)." if chosen[0] is best else
                         f"The runs of the main table take {recipe_text(chosen[0])} (in bold), {more:.2f} % above it.")
        elif collection.main_recipe():
            lines.append("The recipe of the main table is not among these runs.")
    others = [result for result in results if not result.is_recurrent]
    if recurrent and others:
        lines.append(f"Models without recurrence have {len(others)} run{'s' if len(others) > 1 else ''} here, recurrent ones "
                     f"{len(recurrent)}: the recipe was sought for these.")
    baselines = [result for result in others if result.is_sliding_window and collection.is_main_recipe(result)]
    ours, others = seed_pairs(chosen, baselines)
    if ours:
        difference = gain_over(ours, others, SPLIT)
        lines.append(f"With it the gain of {ours[0].model} over {others[0].model} after {text.millions(ours[0].tokens)} tokens "
                     f"is {text.percent(difference.value)} (95 % interval over {difference.documents} validation documents: "
                     f"{text.interval(difference)}).")
    return " ".join(lines) + "\n"


def loss_of(result):
    return result.losses(split=SPLIT)["bits_per_byte"]


def pieces_text(result):
    return f"pieces of {result.piece_bytes // 1000} kB" if result.piece_bytes else "whole"


def recipe_text(result):
    optimizer = result.settings["optimizer"]
    documents = f" of {pieces_text(result)}" if result.piece_bytes else ""
    return f"{optimizer['type']} at rate {optimizer['rate']:g} with {result.settings['train']['lanes']} lanes{documents}"
