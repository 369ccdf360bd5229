"""Which features a report shows, and everything that their cards need.

Features are chosen by two stated rules: the ones that agree best with a label, and, so that
the page is no display of the best, as many drawn at random.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tacit.base.files import written_aside
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.features.agreement import Agreement
from tacit.features.index import Context, Index
from tacit.models.subject import Subject

WRITES_TO_STREAM = re.compile(r"embed|(resid|attn_out|mlp_out)\.\d+")
NUM_PROMOTED = 8
"""Tokens shown as promoted, and as suppressed."""
PER_LABEL = 2
"""Features shown for one label at most."""
NUM_TOP, NUM_BAND, AROUND = 8, 2, 14


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A feature that gets a card, and why."""

    feature: int
    heading: str


def choose(
    index: Index, agreements: Sequence[Agreement], num: int, seed: int
) -> list[Shown]:
    """Return at most ``num`` features: half by agreement with labels, the others at random."""
    chosen: dict[int, str] = {}
    per_label: dict[str, int] = {}
    for found in sorted(agreements, key=lambda each: (-each.f1, each.feature)):
        if len(chosen) >= num // 2:
            break
        if per_label.get(found.label, 0) < PER_LABEL:
            per_label[found.label] = per_label.get(found.label, 0) + 1
            chosen[found.feature] = f"agrees with the label {found.label}"
    counts = index.features.column("count").to_numpy()
    alive = [int(each) for each in np.flatnonzero(counts) if int(each) not in chosen]
    rng = stream(seed, "verbs/shown features")
    drawn = rng.permutation(len(alive))[: max(0, num - len(chosen))]
    chosen |= {
        alive[place]: "drawn at random from the features that fire"
        for place in sorted(drawn)
    }
    return [Shown(feature=feature, heading=heading) for feature, heading in chosen.items()]


def unpromoted(subject: Subject, site: str) -> str | None:
    """Return why tokens promoted by features of a site cannot be told, or None if they can."""
    if not subject.is_causal:
        return f"{subject.name} is an encoder and predicts no next token"
    if not WRITES_TO_STREAM.fullmatch(site):
        return f"{site} adds nothing to the residual stream, which the logits are read from"
    if not subject.knows_head:
        return f"where {subject.name} keeps its final norm and head is not known"
    return None


def promoted_tokens(
    subject: Subject,
    dictionary: Dictionary,
    features: Sequence[int],
    vocabulary: Sequence[str],
) -> list[tuple[list[str], list[str]]] | None:
    """Return the tokens whose logits each feature raises and lowers most, or None.

    The direct effect alone: what later layers make of the feature is not in it. None where
    ``unpromoted`` says why.
    """
    if unpromoted(subject, dictionary.contract.site or "") is not None:
        return None
    directions = dictionary.atoms[torch.tensor(list(features), dtype=torch.long)]
    logits = subject.promoted(directions)
    high = logits.topk(NUM_PROMOTED, dim=1).indices.tolist()
    low = (-logits).topk(NUM_PROMOTED, dim=1).indices.tolist()
    return [
        (
            [vocabulary[int(token)] for token in up],
            [vocabulary[int(token)] for token in down],
        )
        for up, down in zip(high, low, strict=True)
    ]


def write_cards(
    index: Index,
    shown: Sequence[Shown],
    agreements: Mapping[int, Agreement],
    promoted: Sequence[tuple[list[str], list[str]]] | None,
    folder: Path,
    *,
    seed: int,
) -> tuple[str, str]:
    """Write the tables of facts and contexts; return their names in the run folder."""
    table = {
        name: index.features.column(name).to_pylist()
        for name in index.features.column_names
    }
    facts: list[dict[str, Any]] = []
    contexts: list[Context] = []
    for place, each in enumerate(shown):
        found = agreements.get(each.feature)
        up, down = promoted[place] if promoted is not None else ([], [])
        facts.append(
            {
                "feature": each.feature,
                "heading": each.heading,
                "density": table["density"][each.feature],
                "max_value": table["max_value"][each.feature],
                "histogram": table["histogram"][each.feature],
                "label": found.label if found else None,
                "label_auroc": found.auroc if found else None,
                "label_f1": found.f1 if found else None,
                "label_base_rate": found.base_rate if found else None,
                "promotes": up,
                "suppresses": down,
            }
        )
        contexts += index.top(each.feature, num=NUM_TOP, around=AROUND)
        contexts += index.bands(each.feature, num=NUM_BAND, around=AROUND, seed=seed)
    write_table(folder / "facts.parquet", facts)
    write_table(folder / "contexts.parquet", [asdict(context) for context in contexts])
    return f"{folder.name}/facts.parquet", f"{folder.name}/contexts.parquet"


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a Parquet table, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with written_aside(path) as aside:
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), aside)
