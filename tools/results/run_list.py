# SPDX-License-Identifier: Apache-2.0
"""The runs that results/runs.toml names."""


class ExperimentError(Exception):
    """Something that the user can mend; its text is the message."""


def expand_runs(listing):
    """The runs of the list, in its order: groups are products of corpora, models and seeds."""
    runs = []
    for group in listing["group"]:
        for seed in group.get("seeds", [1]):
            for corpus in group["corpora"]:
                for model_name in group["models"]:
                    model = listing["models"][model_name]
                    settings = [*listing.get("settings", []), *group.get("settings", []), *model["settings"]]
                    runs.append({
                        "name": "-".join([group["name"], corpus, model_name, f"seed{seed}"]),
                        "group": group["name"],
                        "corpus": corpus,
                        "model": model_name,
                        "seed": seed,
                        "recipe": group.get("recipe", listing["recipe"]),
                        "recurrent": model["recurrent"],
                        "settings": [*settings, f"train.seed={seed}"],
                        "piece_bytes": group.get("piece_bytes", 0),
                        "splits": group.get("splits", ["test"]),
                    })
    names = [run["name"] for run in runs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ExperimentError(f"results/runs.toml: runs of one name: {', '.join(sorted(twice))}")
    return runs
