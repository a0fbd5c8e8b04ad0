# SPDX-License-Identifier: Apache-2.0
"""What the paper reports (Table 1, models of 150 M parameters), and the settings of its runs."""

# Bits per token; the step time is that of Slide:13L.
BITS_PER_TOKEN = {
    "XL:512": {"step time": "0.88", "books": "3.62", "latex": "1.45", "code": "1.21"},
    "XL:2048": {"step time": "2.11", "books": "3.58", "latex": "1.31", "code": "1.01"},
    "Slide:13L": {"step time": "1.00", "books": "3.58", "latex": "1.42", "code": "1.17"},
    "Rec:fixed:skip": {"step time": "0.99", "books": "3.53", "latex": "1.24", "code": "0.976"},
}
BASELINE, RECURRENT = "Slide:13L", "Rec:fixed:skip"
SETTINGS = {"num_layers": 12, "width": 1024, "num_heads": 8, "head_size": 128, "ffn_width": 4096, "window": 512,
            "segment": 4096, "num_states": 512, "lanes": 32, "steps": 500_000, "dropout": 0.05}
PARAMETERS = "150 M"
VOCABULARY = "about 32,000 pieces (SentencePiece)"
OPTIMIZER = "Adafactor, base rate 1.0, 1,000 steps of warm-up, then as 1 / sqrt(step); no clipping of the whole gradient"


def gain(corpus, over=BASELINE):
    """The paper's gain of its best recurrent model on a corpus, as a share of bits; None if it has no such corpus."""
    if corpus not in BITS_PER_TOKEN[BASELINE]:
        return None
    return 1.0 - float(BITS_PER_TOKEN[RECURRENT][corpus]) / float(BITS_PER_TOKEN[over][corpus])
