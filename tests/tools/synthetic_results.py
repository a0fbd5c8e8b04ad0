# SPDX-License-Identifier: Apache-2.0
"""Results with losses that are made up, in the form that tools/experiments writes, for tests of docs/results.md.

  synthetic_results.py FOLDER    writes FOLDER/results and FOLDER/recipes, with runs of every group, to look at the page
"""

import copy
import json
import math
import pathlib
import random
import shutil
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHAPE = {"vocab_size": 4096, "num_layers": 8, "width": 128, "num_heads": 4, "head_size": 32, "ffn_width": 512, "window": 64,
         "segment": 512, "num_states": 64, "recurrent_layers": [6], "gate": "fixed", "cell": "skip", "feedback": False,
         "position": "t5", "num_buckets": 32, "max_distance": 128, "unit_attention": True, "candidate_tanh": False,
         "mask_empty_cache": False}
PIECE_BYTES = 200_000
TRAIN = {"steps": 7324, "lanes": 16, "accumulation": 1, "dtype": "bf16", "seed": 1, "threads": 1, "dropout": 0.0}
OPTIMIZER = {"type": "muon", "rate": 0.05, "schedule": "cosine", "warmup": 200, "final_fraction": 0.1, "clip_norm": 1.0}
SLIDE = {"recurrent_layers": [], "num_layers": 9}
DOCUMENTS = {"code": 7, "latex": 9, "books": 38}
LEVEL = {"code": 4.0, "latex": 4.5, "books": 5.0}  # bits per token, roughly
GAIN = {"code": 0.06, "latex": 0.03, "books": -0.004}  # of recurrent runs


def make_result(name, group, corpus, model, seed=1, shape=None, optimizer=None, train=None, splits=("test",), gain=None):
    """A result; `gain` is what its losses are below the baseline's, roughly."""
    settings = {"model": SHAPE | (shape or {}), "data": {"path": f"{corpus}-4096"},
                "train": TRAIN | (train or {}) | {"seed": seed}, "optimizer": OPTIMIZER | (optimizer or {}),
                "evaluation": {"every": 1000, "max_tokens": 131072, "lanes": 6}}
    recurrent = bool(settings["model"]["recurrent_layers"])
    gain = (GAIN[corpus] if recurrent else 0.0) if gain is None else gain
    steps, step_tokens = settings["train"]["steps"], settings["train"]["lanes"] * settings["model"]["segment"]
    noise = random.Random(name)
    curve, validation = [], []
    texts = random.Random(f"{corpus} {seed}")  # the same for all models
    for step in [1, *range(20, steps + 1, 20)]:
        difficulty = texts.gauss(1, 0.06)
        loss = LEVEL[corpus] + 8 / (1 + step / 60)
        grown = gain * (1 - math.exp(-step / 3000)) / (1 - math.exp(-7324 / 3000))
        curve.append([step * step_tokens - step // 7, round(difficulty * loss * (1 - grown) * noise.gauss(1, 0.001), 5)])
        if step % 1000 == 0 or step == steps - steps % 20:
            validation.append([curve[-1][0], loss * (1 - grown) * noise.gauss(1, 0.001), loss * (1 - grown) / 2.5,
                               loss * (1 - grown / 2) if recurrent else None])
    carries = {"carried": gain, "none": gain / 2, "reset": gain / 2 - 0.03} if recurrent else {"carried": 0.0, "reset": -0.03}
    return {"name": name, "group": group, "corpus": corpus, "model": model, "seed": seed, "recipe": "recipes/results.toml",
            "commit": "0123456789ab", "steps": steps, "tokens": curve[-1][0], "skipped_steps": 0, "piece_bytes": PIECE_BYTES,
            "settings": settings,
            "curve": curve, "validation": validation,
            "evaluation": {split: {carry: evaluation(corpus, split, share, noise) for carry, share in carries.items()}
                           for split in splits}}


def evaluation(corpus, split, share, noise):
    """Losses that are `share` below the baseline's, with some chance about each document."""
    texts = random.Random(f"{corpus} {split}")
    documents = []
    for number in range(DOCUMENTS[corpus]):
        tokens = texts.randrange(40_000, 700_000)
        bits = LEVEL[corpus] * texts.uniform(0.7, 1.3) * (1 - share * noise.uniform(0.6, 1.4))
        documents.append({"name": f"document-{number}.txt", "tokens": tokens, "bytes": 3 * tokens, "words": tokens // 2,
                          "bits_per_byte": bits / 3, "bits_per_token": bits})
    tokens = sum(document["tokens"] for document in documents)
    bits = math.fsum(document["tokens"] * document["bits_per_token"] for document in documents)
    positions, start, end = [], 0, 128
    while start < 700_000:
        reach = sum(max(0, min(end, document["tokens"]) - start) for document in documents)
        rise = texts.uniform(0.9, 1.1)
        grown = share * min(1.5, math.log2(end / 64) / 6)
        if reach:
            positions.append({"from": start, "to": end, "tokens": reach,
                              "bits_per_token": bits / tokens * rise * (1 - grown) * noise.gauss(1, 0.002)})
        start, end = end, 2 * end
    words = sum(document["words"] for document in documents)
    losses = {"documents": len(documents), "tokens": tokens, "bytes": 3 * tokens, "bits_per_token": bits / tokens,
              "bits_per_byte": bits / tokens / 3, "by_position": positions, "by_document": documents}
    return losses | ({"words": words, "word_perplexity": 2 ** (bits / words)} if corpus == "books" else {})


def whole_listing():
    """runs.toml as it is, with groups of every kind."""
    listing = tomllib.loads((ROOT / "results/runs.toml").read_text(encoding="utf-8"))
    listing = copy.deepcopy(listing)
    groups = [of for of in listing["group"] if of["name"] == "main" or of["name"].startswith("recipe-muon")]
    main = groups[-1]["settings"]
    models = {name: {"recurrent": name.startswith("rec"), "settings": []} for name in
              ("rec-12", "slide-13", "rec-lstm", "rec-no-states", "rec-two", "rec-feedback")}
    listing["models"] |= models
    listing["group"] = groups + [
        {"name": "growth-large", "corpora": ["code", "latex", "books"], "models": ["rec-12", "slide-13"], "settings": main},
        {"name": "growth-long", "corpora": ["code"], "models": ["rec", "slide"], "settings": main},
        {"name": "ablation", "corpora": ["code", "books"], "settings": main,
         "models": ["rec", "slide", "rec-lstm", "rec-no-states", "rec-two", "rec-feedback"]},
        {"name": "ablation-adamw", "corpora": ["code"], "models": ["rec", "slide"], "settings": main}]
    return listing


def result_of(run):
    shape = {"rec": {}, "slide": SLIDE, "lstm-dual": {"gate": "lstm", "cell": "dual"},
             "xl": SLIDE | {"segment": 64}, "xl-wide": SLIDE | {"segment": 256, "window": 256},
             "rec-12": {"num_layers": 12, "width": 256, "ffn_width": 1024, "num_heads": 8, "recurrent_layers": [9]},
             "slide-13": {"num_layers": 13, "width": 256, "ffn_width": 1024, "num_heads": 8, "recurrent_layers": []},
             "rec-lstm": {"gate": "lstm"}, "rec-no-states": {"num_states": 8}, "rec-two": {"recurrent_layers": [4, 6]},
             "rec-feedback": {"feedback": True}}[run["model"]]
    corpus = run["corpus"]
    train = {"lanes": 16 * 512 // shape.get("segment", 512)}
    optimizer = {}
    gain = None
    if run["group"].startswith("recipe"):
        train["steps"] = 600
        given = dict(setting.split("=") for setting in run["settings"])
        optimizer["rate"] = float(given["optimizer.rate"])
        gain = GAIN[corpus] - 0.1 * abs(math.log(optimizer["rate"] / 0.05))
    elif run["group"] == "growth-large":
        gain = 2 * GAIN[corpus] if run["model"] == "rec-12" else 0.0
    elif run["group"] == "growth-long":
        train["steps"] = 24_000
        gain = 1.4 * GAIN[corpus] if run["model"] == "rec" else 0.0
    elif run["group"].startswith("ablation"):
        train["steps"] = 2400
        gain = {"rec": 0.5, "slide": 0.0, "rec-no-states": 0.2}.get(run["model"], 0.4) * GAIN[corpus]
        optimizer = {"type": "adamw", "rate": 0.006} if run["group"] == "ablation-adamw" else {}
    elif run["model"] == "xl-wide":
        gain = GAIN["code"] * 0.9
    return make_result(run["name"], run["group"], corpus, run["model"], run["seed"], shape, optimizer, train, run["splits"], gain)


def write_results(folder, results, listing_text):
    """A folder like the repository, with these results and this list."""
    (folder / "results").mkdir(parents=True)
    (folder / "docs").mkdir()
    (folder / "recipes").mkdir()
    shutil.copy(ROOT / "recipes/results.toml", folder / "recipes")
    shutil.copy(ROOT / "results/corpora.toml", folder / "results")
    (folder / "results/runs.toml").write_text(listing_text, encoding="utf-8")
    for result in results:
        (folder / "results" / f"{result['name']}.json").write_text(json.dumps(result), encoding="utf-8")


def main():
    sys.path.insert(0, str(ROOT / "tools"))
    from results.run_list import expand_runs  # noqa: PLC0415
    write_results(pathlib.Path(sys.argv[1]), [result_of(run) for run in expand_runs(whole_listing())],
                  (ROOT / "results/runs.toml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
