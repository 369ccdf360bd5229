"""Which explained features a report shows, and the text that speaks for and against each.

Axes: t tokens of one excerpt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.asked import in_order
from tacit.explanations.exhibits import Excerpt, Exhibits
from tacit.explanations.explanation import Explanation
from tacit.explanations.remembering import predicted_in, predicted_key
from tacit.explanations.scorer import Score
from tacit.reports.numbers import fixed
from tacit.verbs.cards import write_table
from tacit.verbs.scored import Scored

FACTS, CONTEXTS = "artifacts/facts.parquet", "artifacts/contexts.parquet"
FOR = "speaks for it: active where predicted"
MISSED = "speaks against it: active, and not predicted"
FALSE = "speaks against it: predicted, and not active"
UNREAD = "held-out text on which it is active"
"""Kinds of contexts; the last where no activations were predicted."""
EACH = 3
"""Contexts of each kind."""
LEAST = 0.25
"""Share of the largest by which activation and prediction must differ to speak against it."""


@final
@dataclass(frozen=True, kw_only=True)
class Read:
    """An excerpt with what was predicted of it, both as shares of their largest."""

    excerpt: Excerpt
    true: Float[np.ndarray, " t"]
    predicted: Float[np.ndarray, " t"]
    largest: float
    """Activation that a share of 1 stands for."""

    def of(self, kind: str) -> Float[np.ndarray, " t"]:
        """Return how much each token makes this a context of a kind."""
        if kind == MISSED:
            return self.true - self.predicted
        if kind == FALSE:
            return self.predicted - self.true
        return np.minimum(self.true, self.predicted)


def write_cards(found: Scored, folder: Path) -> None:
    """Write the tables of facts and contexts of a sample of features."""
    index = found.shown.run.index
    table = {
        name: index.features.column(name).to_pylist()
        for name in ("density", "max_value", "histogram")
    }
    said = {each.feature: each for each in found.made.explained}
    facts: list[dict[str, Any]] = []
    contexts: list[dict[str, Any]] = []
    for feature, heading in chosen(found).items():
        nothing = {
            "label": None, "label_auroc": None, "label_f1": None, "promotes": [], "suppresses": [],
        }  # fmt: skip
        facts.append(
            {
                "feature": feature,
                "heading": heading,
                **{name: column[feature] for name, column in table.items()},
                **nothing,
                "explanation": said[feature].text,
                "figures": list(_figures(found, feature)),
            }
        )
        contexts += _contexts(found, said[feature])
    write_table(folder / FACTS, facts)
    write_table(folder / CONTEXTS, contexts)


def chosen(found: Scored) -> dict[int, str]:
    """Return features with the reason why each is shown: best, middle, worst and at random."""
    main = found.main
    if main is None:
        return {}
    ranked = sorted(main.values, key=lambda each: (-main.values[each], each))
    num = found.num_shown // 4
    middle = max(0, len(ranked) // 2 - num // 2)
    rng = stream(found.shown.seed, "verbs/score/shown features")
    parts = {
        f"among the {num} best by {main.name}": ranked[:num],
        f"among the {num} in the middle by {main.name}": ranked[middle : middle + num],
        f"among the {num} worst by {main.name}": ranked[::-1][:num],
        "drawn at random": [ranked[each] for each in rng.permutation(len(ranked))],
    }
    shown: dict[int, str] = {}
    for heading, features in parts.items():
        for feature in features:
            if len(shown) < found.num_shown:
                shown.setdefault(feature, heading)
    return shown


def _figures(found: Scored, feature: int) -> Iterator[str]:
    """Yield every score of a feature in words."""
    for figure in found.figures:
        for row in figure.own:
            if row.feature == feature:
                yield f"{figure.name}: {_told(row)}"


def _told(row: Score) -> str:
    if row.value is None:
        return f"no value, as {row.reason}"
    ends = "no interval"
    if row.low is not None and row.high is not None:
        ends = f"{fixed(row.low, 2)} to {fixed(row.high, 2)}"
    left = f", {row.gaps} unanswered" if row.gaps else ""
    value = fixed(row.value, 2)
    return f"{value} ({ends}), chance {row.chance:.2g}, n = {row.n}{left}"


def _contexts(found: Scored, explanation: Explanation) -> Iterator[dict[str, Any]]:
    exhibits = found.shown.exhibits(explanation.feature)
    if isinstance(exhibits, Gap):
        return
    record = found.predictions.get(predicted_key(explanation))
    if record is None:
        active = [each for each in in_order(exhibits.scored) if each.values.any()]
        strongest = sorted(active, key=lambda each: -each.values.max())[: 2 * EACH]
        for rank, each in enumerate(strongest):
            yield _context(found, exhibits, each, UNREAD, rank, int(each.values.argmax()))
        return
    read = _read(exhibits, record)
    for kind, least in ((FOR, 0.0), (MISSED, LEAST), (FALSE, LEAST)):
        by_strength = sorted(read, key=lambda each: -each.of(kind).max())
        for rank, each in enumerate(by_strength[:EACH]):
            size = each.of(kind)
            if size.max() > least:
                place = int(size.argmax())
                shown = each.predicted * each.largest
                yield _context(found, exhibits, each.excerpt, kind, rank, place, shown)


def _read(exhibits: Exhibits, record: Mapping[str, Any]) -> list[Read]:
    """Return the excerpts that were answered, unknown activations counting as none."""
    pairs = [
        (each, predicted * each.known)
        for each in in_order(exhibits.scored)
        if (predicted := predicted_in(record, each.piece)) is not None
    ]
    most = [
        max((float(side.max()) for side in sides), default=0.0) or 1.0
        for sides in (
            [each.values * each.known for each, _ in pairs],
            [p for _, p in pairs],
        )
    ]
    return [
        Read(
            excerpt=each,
            true=(each.values * each.known / most[0]).astype(np.float64),
            predicted=np.maximum(predicted, 0) / most[1],
            largest=most[0],
        )
        for each, predicted in pairs
    ]


def _context(
    found: Scored,
    exhibits: Exhibits,
    excerpt: Excerpt,
    kind: str,
    rank: int,
    peak: int,
    predicted: Float[np.ndarray, " t"] | None = None,
) -> dict[str, Any]:
    index, row = found.shown.run.index, int(excerpt.piece.rows[peak])
    place = index.tokens.slice(row, 1).select(["document", "line"]).to_pylist()[0]
    return {
        "feature": exhibits.feature,
        "kind": kind,
        "rank": rank,
        "value": float(excerpt.values[peak]),
        "document": index.manifest["documents"][place["document"]],
        "line": place["line"],
        "tokens": list(excerpt.piece.tokens),
        "values": excerpt.values.tolist(),
        "peak": peak,
        "predicted": None if predicted is None else predicted.tolist(),
    }
