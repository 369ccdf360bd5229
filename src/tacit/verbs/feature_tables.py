"""The tokens of one feature: it is active on them, they change without it, it promotes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.activations.windows import Windows
from tacit.base.seeds import stream
from tacit.interventions.cases import BINS, Case
from tacit.interventions.effects import AblationEffects
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.intervals import Interval
from tacit.reports.tokens import inline
from tacit.verbs.feature_rivals import Candidate

TABLES = ("tokens", "tenths", "follows", "changes", "promoted")
SHOWN = 6
"""Tokens shown in each list."""
STRONG_NATS = 0.1
"""Rise of the loss from which a position counts as strongly affected."""
Rows = list[dict[str, Any]]
SPACES = re.compile("␣{4,}")
"""Runs that are counted instead, as indentation would fill a chart."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every candidate is looked at with."""

    site: str
    windows: Windows
    vocabulary: Sequence[str]
    own: Sequence[int]
    """The feature's own tokens."""
    seed: int

    def named(self, tokens: Sequence[int]) -> list[str]:
        """Return tokens as text on one line, told apart by their number where it is the same."""
        texts = [
            SPACES.sub(lambda run: f"␣×{len(run[0])}", inline(self.vocabulary[token]))
            for token in tokens
        ]
        uses = Counter(texts)
        return [
            text if uses[text] == 1 else f"{text} #{token}"
            for text, token in zip(texts, tokens, strict=True)
        ]


def histogram_rows(case: Case, setting: Setting) -> dict[str, Rows]:
    """Return ``tokens``, how often each stands in each tenth of activation, and ``tenths``.

    The latter has the own tokens' share of each tenth that is not empty.
    """
    counts, edges = case.histogram(), case.edges
    none = np.zeros(BINS, dtype=np.int64)
    every = sum(counts.values(), none)
    shown = list(counts)[:SHOWN]
    rows = dict(zip(setting.named(shown), (counts[token] for token in shown), strict=True))
    if len(counts) > SHOWN:
        others = f"(all {len(counts) - SHOWN:,} others)"
        rows[others] = every - sum(rows.values(), none)
    own = sum((counts.get(token, none) for token in setting.own), none)
    return {
        "tokens": [
            {"token": name, "tenth": tenth + 1, "from": float(edges[tenth]), "count": count}
            for name, row in rows.items()
            for tenth, count in enumerate(row.tolist())
        ],
        "tenths": [
            {"tenth": tenth + 1, "share": float(own[tenth] / every[tenth])}
            for tenth in np.flatnonzero(every).tolist()
            if setting.own
        ],
    }


def change_rows(effects: AblationEffects, name: str, setting: Setting) -> Rows:
    """Return the tokens whose log-probability ablation changes most, the lowered ones first."""
    rng = stream(setting.seed, f"verbs/changes/{name}")
    lowered = [token for token, change in effects.lowered(SHOWN) if change < 0]
    raised = [token for token, change in effects.raised(SHOWN) if change > 0]
    chosen = [*lowered, *raised]
    return [
        {
            "token": text,
            "side": "less likely" if place < len(lowered) else "likelier",
            **_cells("change", effects.interval(token, rng)),
            "positions": effects.num_positions,
        }
        for place, (text, token) in enumerate(
            zip(setting.named(chosen), chosen, strict=True)
        )
    ]


def follow_rows(case: Case, name: str, setting: Setting) -> Rows:
    """Return the next tokens that lose most in sum, with the mean rise of their loss."""
    rng = stream(setting.seed, f"verbs/follows/{name}")
    strong = case.effects(at_least=STRONG_NATS)
    shown = list(strong)[:SHOWN]
    rows: Rows = []
    for text, token in zip(setting.named(shown), shown, strict=True):
        here = (case.next_tokens == token) & ~np.isnan(case.rises)
        _, place = np.unique(case.documents[here], return_inverse=True)
        sums = np.bincount(place, weights=case.rises[here])
        mean = bootstrap_ratio(sums, np.bincount(place), rng)
        counts = {"positions": int(here.sum()), "strong": len(strong[token])}
        rows.append({"token": text, **_cells("rise", mean), **counts})
    return rows


def promoted_rows(candidate: Candidate, setting: Setting) -> Rows:
    """Return the tokens whose logits the direction raises and lowers most, per unit of it."""
    direction = candidate.dictionary.atoms[candidate.feature][None]
    logits = candidate.subject.promoted(direction)[0].cpu()
    order = logits.argsort(descending=True, stable=True).tolist()
    num = min(SHOWN, len(order) // 2)
    chosen = [*order[:num], *order[-num:]]
    return [
        {
            "token": text,
            "side": "raised" if place < num else "lowered",
            "logit": float(logits[token]),
        }
        for place, (text, token) in enumerate(
            zip(setting.named(chosen), chosen, strict=True)
        )
    ]


def _cells(name: str, mean: Interval) -> dict[str, Any]:
    return {name: mean.value, "low": mean.low, "high": mean.high, "documents": mean.n}
