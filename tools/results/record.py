# SPDX-License-Identifier: Apache-2.0
"""One finished run as results/NAME.json keeps it, and what follows from its settings."""

import json

SECTIONS_OF_TERMS = ("model", "train", "optimizer")
# What changes no number, or only the seed.
NOT_TERMS = {"train.seed", "train.threads", "train.log_every", "train.checkpoint_every", "train.keep_last",
             "train.keep_every", "train.keep_best", "train.save_patience", "train.recompute"}
ONLY_WITH_STATES = {"model.gate", "model.cell", "model.num_states", "model.feedback", "model.candidate_tanh"}


def count_parameters(model):
    """As count_parameters of src/config/model_config.cpp."""
    width, ffn_width, heads = model["width"], model["ffn_width"], model["num_heads"] * model["head_size"]
    scale = model["num_heads"] if model["unit_attention"] else 0
    count = model["vocab_size"] * width + width
    for layer in range(model["num_layers"]):
        count += 2 * width + 4 * heads * width + 2 * width * ffn_width + scale
        if model["position"] == "t5":
            count += model["num_heads"] * model["num_buckets"]
        recurrent = layer in model["recurrent_layers"]
        if recurrent or model["feedback"]:
            count += 2 * heads * width + scale
        if recurrent:
            count += _cell_parameters(model, width, ffn_width, 2 * heads, scale)
    return count


def _cell_parameters(model, width, ffn_width, joined, scale):
    def gate(input_width):
        return width if model["gate"] == "fixed" else 2 * (width * input_width + width)

    count = 2 * model["num_states"] * width + width + 2 * joined * width + 2 * scale
    if model["cell"] == "single":
        return count + ffn_width * joined + width * ffn_width + gate(ffn_width)
    count += joined * width + gate(joined)
    return count if model["cell"] == "skip" else count + width + 2 * width * ffn_width + gate(ffn_width)


class Result:
    """A result; its parts are read as attributes named by their keys."""

    def __init__(self, values):
        self.values = values

    def __getattr__(self, key):
        try:
            return self.values[key]
        except KeyError:
            raise AttributeError(key) from None

    @property
    def piece_bytes(self):
        """Of the training documents; 0: whole ones."""
        return self.values.get("piece_bytes", 0)

    @property
    def shape(self):
        return self.settings["model"]

    @property
    def is_recurrent(self):
        return bool(self.shape["recurrent_layers"])

    @property
    def is_sliding_window(self):
        return not self.is_recurrent and self.shape["segment"] > self.shape["window"]

    @property
    def parameters(self):
        return count_parameters(self.shape)

    @property
    def step_tokens(self):
        train = self.settings["train"]
        return train["lanes"] * train["accumulation"] * self.shape["segment"]

    @property
    def planned_tokens(self):
        """Of all steps if every lane is full; runs on equal terms agree in it."""
        return self.settings["train"]["steps"] * self.step_tokens

    @property
    def kind(self):
        """The model in words, without its size."""
        if self.is_recurrent:
            feedback = ", block feedback" if self.shape["feedback"] else ""
            return f"recurrent, {self.shape['gate']} gate, {self.shape['cell']}{feedback}"
        return "sliding window" if self.is_sliding_window else "Transformer-XL"

    def losses(self, carry="carried", split="test"):
        """The figures of an evaluation, or None if there is none."""
        return self.evaluation.get(split, {}).get(carry)

    def terms(self):
        """The settings that a result depends on, flat: {"model.width": 128, ...}."""
        flat = {f"{section}.{key}": value for section in SECTIONS_OF_TERMS
                for key, value in self.settings[section].items()}
        flat["piece_bytes"] = self.piece_bytes
        ignored = NOT_TERMS if self.is_recurrent else NOT_TERMS | ONLY_WITH_STATES
        return {key: value for key, value in flat.items() if key not in ignored}


def read_results(paths):
    """Results of these files; other JSON files are passed over."""
    results = []
    for path in sorted(paths, key=lambda path: path.name):
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values, dict) and "evaluation" in values:
            results.append(Result(values))
    return results
