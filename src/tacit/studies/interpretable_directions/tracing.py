"""What the feature of a label rests on, site by site: the published causal tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.activations.store import Store
from tacit.activations.streaming import rows_for
from tacit.activations.windows import Windows
from tacit.dictionaries import Dictionary
from tacit.features.agreement import best_cuts
from tacit.interventions.cases import NeverActive
from tacit.interventions.trees import CausalTree, Node, causal_tree, windows_for
from tacit.models.subject import Subject
from tacit.studies.interpretable_directions.settings import DirectionsSettings

LABEL = "next_pronoun"
ROWS = 20_000
"""Training rows, at most, by which a label's feature is chosen."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A feature of a tree under one of those that rest on it, of one subject and seed."""

    subject: str
    seed: int
    arm: str
    label: str
    f1: float
    """Of the root, with its best threshold, on the training rows by which it was chosen."""
    node: str
    parent: str | None
    """None for the root."""
    site: str
    stands_on: str
    """The token that stands most often in its contexts."""
    stands_share: float
    """Share of its contexts with that token."""
    share: float | None
    """Drop of the parent's activation without it; None for the root, as are its ends."""
    low: float | None
    high: float | None
    joint: float | None
    """Drop of its own activation without all its causes; None where there are none."""
    total: float | None
    """Sum of what each of them takes alone."""
    control: float | None
    """Drop without as many others that are active in the same contexts."""
    candidates: int | None
    """Features of the next site that were ablated; None for a leaf."""
    rank_correlation: float | None
    """Of attribution with ablation over these."""


def traced_of(
    settings: DirectionsSettings,
    subject: Subject,
    unit: tuple[str, int],
    store: Store,
    dictionaries: Mapping[str, Dictionary],
    *,
    label: str = LABEL,
    arm: str = "trained",
) -> list[Trace]:
    """Return the tree of the deepest site's best feature for a label, a row an edge.

    ``dictionaries``: of sites that the store holds. None without the label in the store, or where
    the feature is active nowhere in held-out text.
    """
    if label not in store.labels:
        return []
    deepest = max(dictionaries, key=subject.sites().index)
    feature, f1 = best_feature(store, deepest, dictionaries[deepest], label)
    windows = windows_for(store, list(dictionaries), max_windows=settings.windows)
    try:
        tree = causal_tree(
            subject,
            windows,
            dictionaries,
            deepest,
            feature,
            depth=settings.tree_depth,
            seed=unit[1],
        )
    except NeverActive:
        return []
    named: dict[str, Any] = {
        "subject": unit[0],
        "seed": unit[1],
        "arm": arm,
        "label": label,
        "f1": f1,
    }
    return [
        Trace(**named, **_of_node(subject, windows, tree, row), **_of_edge(row))
        for row in tree.rows()
    ]


def best_feature(
    store: Store, site: str, dictionary: Dictionary, label: str
) -> tuple[int, float]:
    """Return the feature with the largest F1 as a sign of a label, on training rows."""
    rows = rows_for(store, [site], held_out=False)
    rows = rows[:: max(1, -(-len(rows) // ROWS))]
    truth = store.label(label)[rows]
    dense = dictionary.encode(store.vectors(site, rows)).dense().cpu().numpy()
    scores = np.zeros(dictionary.num_atoms)
    for feature, values in enumerate(dense.T):
        fired = np.flatnonzero(values > 0)
        order = fired[np.argsort(-values[fired], kind="stable")]
        scores[feature] = best_cuts(
            values[order], truth[order, None], np.array([truth.sum()])
        )[0]
    return int(scores.argmax()), float(scores.max())


def _of_node(
    subject: Subject, windows: Windows, tree: CausalTree, row: Mapping[str, Any]
) -> dict[str, Any]:
    node: Node = next(each for each in tree.nodes if each.name == row["node"])
    at, causes = node.contexts, node.causes
    tokens = windows.ids[at.window, at.position].tolist()
    token, times = Counter(tokens).most_common(1)[0]
    joint, control = (causes.joint, causes.control) if causes else (None, None)
    return {
        "stands_on": subject.tokenizer.decode([token]),
        "stands_share": times / len(tokens),
        "joint": joint.share.value if joint else None,
        "total": causes.sum_of_shares if causes and joint else None,
        "control": control.share.value if control else None,
        "candidates": causes.num_candidates if causes else None,
        "rank_correlation": causes.rank_correlation if causes else None,
    }


def _of_edge(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("node", "parent", "site", "share", "low", "high")}
