"""A run folder like a real one, made without any model: 40 features of Python code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tacit.base.pages import (
    Features,
    Headline,
    Limits,
    Opening,
    Page,
    Plot,
    Table,
    Text,
    write_pages,
)
from tacit.base.records import Claim, Gap, Record, Result, write_records
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
    import re

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


def records() -> list[Record]:
    """Return results, a gap and claims."""
    top_k = {"method": "top-k", "k": 32, "site": "resid.3"}
    loss = Result(
        name="loss_recovered",
        value=0.9471,
        unit="1",
        better="higher",
        n=118,
        interval=(0.9402, 0.9533),
        of=top_k,
    )
    random = Result(
        name="fvu",
        value=0.8123,
        unit="1",
        better="lower",
        n=1,
        interval=None,
        of={"method": "random", "k": 32, "site": "resid.3"},
    )
    gap = Gap(
        name="downstream_loss",
        reason="the subject has no language head, so no loss can be taken",
        of=top_k,
    )
    return [
        Result(
            name="fvu",
            value=0.12345,
            unit="1",
            better="lower",
            n=3,
            interval=(0.1198, 0.1281),
            of=top_k,
        ),
        loss,
        Result(
            name="l0",
            value=31.87,
            unit="tokens",
            better="neither",
            n=118,
            interval=(31.6, 32.1),
            of=top_k,
        ),
        gap,
        random,
        Claim(
            published="A sparse code keeps over 90 % of the loss at 32 active atoms.",
            source="Example et al. 2024, table 2",
            rule="reproduced if the whole interval is above 0.9",
            measured=loss,
            judgement="reproduced",
        ),
        Claim(
            published="Random directions explain nothing.",
            source="Example et al. 2024, section 4",
            rule="reproduced if the whole interval is above 0.95",
            measured=random,
            judgement="inconclusive",
        ),
        Claim(
            published="Loss falls when atoms are added.",
            source="Example et al. 2024, figure 5",
            rule="reproduced if the slope's interval is below 0",
            measured=gap,
            judgement="not testable at this scale",
        ),
    ]


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


def pages() -> list[Page]:
    """Return the pages of the report."""
    best = {"result": 0, "label": "Variance unexplained", "meaning": "What is lost of it."}
    return [
        Page(
            title="How faithful the dictionary is",
            blocks=(
                Opening(
                    title="Sparse features of a small model of Python",
                    setting="A two-million-parameter model of Python code was read at the "
                    "output of its third block on 1.2 million tokens of the standard library. "
                    "Four methods were fitted on the same stream, three seeds each.",
                ),
                Headline(
                    results=(
                        {
                            **best,
                            "meaning": "The dictionary gives back all but an eighth of the "
                            "activation's variance.",
                        },
                        {
                            "result": 1,
                            "label": "Loss recovered",
                            "meaning": "Run on the rebuilt activation, the model predicts "
                            "nearly as well as on its own.",
                        },
                        {
                            "result": 2,
                            "label": "Active atoms",
                            "meaning": "How many features act on a token.",
                        },
                        {
                            "result": 3,
                            "label": "Downstream loss",
                            "meaning": "The next-token loss behind the rebuilt activation.",
                        },
                    )
                ),
                Text(
                    text="A dictionary is judged on two things at once.\n\nFewer is better."
                ),
                Plot(
                    table="artifacts/frontier.parquet",
                    kind="line",
                    x="l0",
                    y="fvu",
                    group="method",
                    low="low",
                    high="high",
                    x_label="active atoms a token (L0)",
                    y_label="variance unexplained (FVU)",
                    log_x=True,
                    log_y=True,
                    title="Fidelity against sparsity",
                    caption="Lower and further left is better. Bars are 95 % intervals over "
                    "three seeds.",
                ),
                Table(
                    table="artifacts/frontier.parquet",
                    columns=(
                        ("method", "Method"),
                        ("l0", "L0"),
                        ("fvu", "FVU"),
                        ("recovered", "Loss recovered"),
                        ("best", "Example"),
                    ),
                    link="best",
                    title="Loss recovered",
                    caption="One is the model's own loss, zero that of the mean activation.",
                ),
            ),
        ),
        Page(
            title="What the features are",
            blocks=(
                Plot(
                    table="artifacts/facts.parquet",
                    kind="histogram",
                    x="density",
                    x_label="share of tokens on which a feature acts",
                    y_label="features",
                    log_x=True,
                    title="How often features act",
                    caption="Most act on fewer than one token in a hundred.",
                ),
                Plot(
                    table="artifacts/frontier.parquet",
                    kind="bar",
                    x="method",
                    y="fvu",
                    group="l0",
                    low="low",
                    high="high",
                    y_label="variance unexplained (FVU)",
                    title="Methods side by side",
                    caption="Each bar is one number of active atoms.",
                ),
                Plot(
                    table="artifacts/facts.parquet",
                    kind="scatter",
                    x="density",
                    y="max_value",
                    log_x=True,
                    x_label="density",
                    y_label="largest value",
                    title="Density against strength",
                    caption="One dot a feature.",
                ),
                Features(
                    facts="artifacts/facts.parquet",
                    contexts="artifacts/contexts.parquet",
                    title="Forty features",
                    caption="The best match of each label, and as many drawn at random.",
                ),
                Limits(items=("One subject was studied, with one tokenizer.",)),
            ),
        ),
    ]


MANIFEST = {
    "kind": "sparse-features",
    "configuration": {
        "subject": "pycode",
        "corpus": "python-stdlib",
        "sites": ["resid.3"],
        "fit": {"steps": 4000, "block_rows": 4096, "top_k": {"k": 32, "num_atoms": 2048}},
    },
    "passed": ["corpus", "fit.steps"],
    "seed": 7,
    "versions": {"python": "3.11.9", "tacit": "0.1.0", "torch": "2.13.0"},
    "hardware": {"machine": "x86_64", "system": "Linux", "cores": 2, "load": 0.4},
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "uncommitted_changes": "none",
    "parents": {},
    "begun": "2026-01-02T03:04:05+00:00",
}


def write_table(path: Path, rows: list[dict]) -> None:
    """Write rows as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def build_run_folder(folder: Path, *, num_features: int = NUM_FEATURES) -> Path:
    """Write a whole run folder, and return its path."""
    facts, contexts = features(num_features)
    write_table(folder / "artifacts/facts.parquet", facts)
    write_table(folder / "artifacts/contexts.parquet", contexts)
    write_table(folder / "artifacts/frontier.parquet", frontier())
    write_pages(folder / "artifacts/pages.json", pages())
    write_records(folder / "results.json", records())
    (folder / "manifest.json").write_text(json.dumps(MANIFEST, indent=1))
    return folder
