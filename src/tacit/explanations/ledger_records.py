"""Explanations, gaps and scores as records of a ledger, and the keys they stand under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tacit.base.records import Gap
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.models.spending import Usage


def explained_key(explainer: Explainer, feature: int) -> str:
    """Return the ledger's key of a feature's explanation."""
    return f"explain/{explainer.name}/{explainer.version}/{feature}"


def scored_key(scorer: Scorer, reader: Reader, explanation: Explanation) -> str:
    """Return the ledger's key of an explanation's scores."""
    by = f"{explanation.explainer}/{explanation.version}"
    return f"score/{scorer.name}/{reader.name}/{by}/{explanation.feature}"


def record_of(said: Explanation | Gap) -> dict[str, Any]:
    """Return an explanation or a gap as plain JSON."""
    if isinstance(said, Gap):
        return {"kind": "gap", **asdict(said)}
    # Not ``asdict`` of all: it takes as long as the rest of a feature for a rule of many words.
    parts = {"rule": dict(said.rule), "usage": asdict(said.usage)}
    return {"kind": "explanation", **vars(said), **parts}


def explanation_of(record: Mapping[str, Any]) -> Explanation | Gap:
    """Return what ``record_of`` wrote."""
    values = {key: value for key, value in record.items() if key != "kind"}
    if record["kind"] == "gap":
        return Gap(**values)
    return Explanation(**{**values, "usage": Usage(**values["usage"])})


def scores_of(record: Mapping[str, Any]) -> list[Score] | Gap:
    """Return the scores of a record, or why the feature has none."""
    if "scores" not in record:
        return Gap(**{key: value for key, value in record.items() if key != "kind"})
    return [Score(**row) for row in record["scores"]]


def is_wanting(record: Mapping[str, Any]) -> bool:
    """Return whether a record lacks what another attempt may give."""
    rows = record.get("scores")
    if rows is None:
        return record["kind"] == "gap"
    return any(row["value"] is None or row["gaps"] > 0 for row in rows)
