"""Features of Python code and a frontier, as the tables of a run hold them; no model."""

from __future__ import annotations

import re

import numpy as np

from tacit.base.seeds import stream

NUM_FEATURES = 40
SOURCES = (
    "def moving_mean(values, width):\n    total = 0.0\n    for index, value in "
    "enumerate(values):\n        total += value\n        if index >= width:\n"
    "            total -= values[index - width]\n        yield total / width\n",
    'class Ledger:\n    """Money in and out."""\n\n    def __init__(self, opening):\n'
    "        self.entries = [opening]\n\n    def balance(self):\n"
    "        return sum(self.entries)\n",
    "try:\n    with open(path) as source:\n        rows = source.read().split('\\n')\n"
    "except OSError as error:\n    raise SystemExit(f'no such file: {path}') from error\n",
    "import math\n\n# The area of a ring is the difference of two discs.\n"
    "def ring(inner, outer):\n\tif inner > outer:\n\t\treturn None\n"
    "\treturn math.pi * (outer ** 2 - inner ** 2)\n",
)
LABELS = ("keyword", "comment", "docstring", "definition name", "string", None)


def tokens_of(text: str) -> list[str]:
    """Return words with the space before them, line ends with their indentation, and signs."""
    return re.findall(r"\n[ ]*|\t| ?\w+|[^\w\s]| +", text)


def _contexts(rng: np.random.Generator, feature: int, largest: float) -> list[dict]:
    kinds = ["top"] * 12 + [
        f"band {low}-{high}"
        for low, high in (("0.5", "0.75"), ("0.25", "0.5"), ("0", "0.25"))
        for _ in range(4)
    ]
    rows = []
    for place, kind in enumerate(kinds):
        text = SOURCES[rng.integers(len(SOURCES))] + SOURCES[rng.integers(len(SOURCES))]
        tokens = tokens_of(text)[: int(rng.integers(48, 64))]
        share = 1 - 0.03 * place if kind == "top" else float(kind.split("-")[1]) - 0.02
        peak = int(rng.integers(6, len(tokens) - 4))
        values = np.zeros(len(tokens))
        near = rng.integers(0, len(tokens), size=5)
        values[near] = largest * share * rng.uniform(0.05, 0.8, size=5)
        values[peak] = largest * share
        rows.append(
            {
                "feature": feature,
                "kind": kind,
                "rank": place if kind == "top" else (place - 12) % 4,
                "value": largest * share,
                "document": f"package/module_{rng.integers(90):02d}.py",
                "line": int(rng.integers(1, 900)),
                "tokens": tokens,
                "values": values.round(4).tolist(),
                "peak": peak,
            }
        )
    return rows


def features(num_features: int = NUM_FEATURES) -> tuple[list[dict], list[dict]]:
    """Return the rows of the facts and of the contexts."""
    rng = stream(0, "tests/reports")
    facts, contexts = [], []
    for place in range(num_features):
        feature = 17 + 23 * place
        label = LABELS[place % len(LABELS)]
        largest = float(rng.uniform(2, 14))
        facts.append(
            {
                "feature": feature,
                "density": float(10 ** rng.uniform(-4.5, -1)),
                "max_value": largest,
                "label": label,
                "label_auroc": None if label is None else float(rng.uniform(0.7, 1)),
                "label_f1": None if label is None else float(rng.uniform(0.3, 0.97)),
                "label_base_rate": None if label is None else 0.043,
                "promotes": [" self", " return", "\n    ", " None", "():", "error", "\t"],
                "suppresses": [" lambda", "##", " import", "…"],
                "histogram": [int(4000 * 0.7**bin) for bin in range(20)],
                "heading": "best match of a label" if label else "drawn at random",
            }
        )
        contexts += _contexts(rng, feature, largest)
    return facts, contexts


def frontier() -> list[dict]:
    """Return fidelity against sparsity, with intervals, for four methods."""
    shapes = {"top-k": 0.9, "relu-l1": 1.25, "pca": 2.1, "random": 4.6}
    return [
        {
            "method": method,
            "l0": float(l0),
            "fvu": min(0.98, height * l0**-0.62),
            "low": min(0.98, height * l0**-0.62) * 0.93,
            "high": min(0.98, height * l0**-0.62) * 1.07,
            "recovered": 1 - height * l0**-0.9,
            "best": 17 + 23 * place,
        }
        for method, height in shapes.items()
        for place, l0 in enumerate((4, 8, 16, 32, 64))
    ]
