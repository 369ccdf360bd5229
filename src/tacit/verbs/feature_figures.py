"""What is found of a feature and its rivals on held-out text: figures, and the tables of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from tacit.base.progress import Progress, silent
from tacit.base.records import Gap, Result
from tacit.base.seeds import stream
from tacit.interventions.cases import Case, NeverActive, case_of
from tacit.interventions.effects import ablation_effects, firing_positions
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.results import as_result
from tacit.verbs.cards import unpromoted
from tacit.verbs.feature_rivals import HIGH, Candidate
from tacit.verbs.feature_tables import (
    Rows,
    Setting,
    change_rows,
    follow_rows,
    histogram_rows,
    promoted_rows,
)

FIGURES = ("density", "f1", "token_purity", "ablation_rise")
CHANGES, PROMOTED = "log_probability_changes", "promoted_tokens"
"""Names of the gaps where there is a reason for a table without rows."""
NONE = "none"
"""What an arm is of where there is no candidate."""
Weighted = tuple[Int[np.ndarray, " _"], Shaped[np.ndarray, " _"]]
"""Documents of positions, and what each position counts (a bool 0 or 1)."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """All that was found of one candidate."""

    name: str
    which: str
    chosen: str
    """How it was chosen, or why there is none."""
    positions: int
    """Held-out positions where it is active, above 0."""
    below_zero: int
    """Positions where a signed code is below 0: ablated, but in no histogram."""
    records: Sequence[Result | Gap]
    tables: Mapping[str, Rows]
    """Rows by name of ``TABLES``; none where a gap says why."""

    def reason(self, name: str) -> str:
        """Return why there is no result, or are no rows, of a name."""
        gaps = (e for e in self.records if isinstance(e, Gap) and e.name == name)
        return next((gap.reason for gap in gaps), "nothing was found")


def missing_arm(name: str, reason: str) -> Arm:
    """Return the arm of a candidate that there is none of."""
    names = (*FIGURES, CHANGES, PROMOTED)
    return Arm(
        name=name,
        which=NONE,
        chosen=reason,
        positions=0,
        below_zero=0,
        records=[Gap(name=each, reason=reason, of={"arm": name}) for each in names],
        tables={},
    )


def look_at(candidate: Candidate, setting: Setting, *, progress: Progress = silent) -> Arm:
    """Return what is found of a candidate on the windows; what cannot be told is a gap."""
    subject, feature = candidate.subject, candidate.feature
    parts = (subject, setting.windows, setting.site, candidate.dictionary, feature)
    of = {"arm": candidate.name, "which": candidate.which}
    tables: dict[str, Rows] = {}
    records: list[Result | Gap] = []
    positions, silence = 0, None
    try:
        case = case_of(*parts, progress=progress)
    except NeverActive:
        seen = int(setting.windows.usable.sum())
        silence = f"active at none of the {seen:,} usable positions of the held-out windows"
        records += [Gap(name=name, reason=silence, of=of) for name in FIGURES]
    else:
        positions = len(case.values)
        records += _figures(case, candidate, setting, of)
        tables |= histogram_rows(case, setting)
        if subject.is_causal:
            effects = ablation_effects(*parts, progress=progress)
            tables["changes"] = change_rows(effects, candidate.name, setting)
            tables["follows"] = follow_rows(case, candidate.name, setting)
    if "changes" not in tables:
        reason = silence or _encoder(candidate)
        records.append(Gap(name=CHANGES, reason=reason, of=of))
    untold = unpromoted(subject, setting.site)
    if untold is None:
        tables["promoted"] = promoted_rows(candidate, setting)
    else:
        records.append(Gap(name=PROMOTED, reason=untold, of=of))
    return Arm(
        name=candidate.name,
        which=candidate.which,
        chosen=candidate.chosen,
        positions=positions,
        below_zero=int(firing_positions(*parts).sum()) - positions,
        records=records,
        tables=tables,
    )


def _encoder(candidate: Candidate) -> str:
    return f"{candidate.subject.name} is an encoder and predicts no next token"


def _figures(
    case: Case, candidate: Candidate, setting: Setting, of: Mapping[str, str]
) -> list[Result | Gap]:
    """Return how often it is active, how well it tells the own tokens, and the price without."""
    windows, rng = setting.windows, stream(setting.seed, f"verbs/case/{candidate.name}")
    seen = (windows.document[windows.usable], np.ones(int(windows.usable.sum())))
    active = (case.documents, np.ones(len(case.values)))
    density = _ratio("density", of, active, seen, rng)
    if not setting.own:
        reason = "the feature is active nowhere in training text, so no token is its own"
        return [density, *(Gap(name=name, reason=reason, of=of) for name in FIGURES[1:])]
    hits = np.isin(case.tokens, setting.own)
    owned = np.isin(windows.ids[windows.usable], setting.own)
    either = (np.append(case.documents, seen[0]), np.append(active[1], owned))
    high = case.values > HIGH * case.values.max()
    scored = hits & ~np.isnan(case.rises)
    if scored.any():
        rises = (case.documents, np.where(scored, case.rises, 0))
        rise = _ratio("ablation_rise", of, rises, (case.documents, scored), rng)
    else:
        idle = "it is active on none of the feature's own tokens where another follows"
        reason = idle if candidate.subject.is_causal else _encoder(candidate)
        rise = Gap(name="ablation_rise", reason=reason, of=of)
    return [
        density,
        _ratio("f1", of, (case.documents, 2 * hits), either, rng),
        _ratio("token_purity", of, (case.documents, hits & high), (case.documents, high), rng),
        rise,
    ]  # fmt: skip


def _ratio(
    name: str,
    of: Mapping[str, str],
    over: Weighted,
    under: Weighted,
    rng: np.random.Generator,
) -> Result:
    """Return a ratio of sums, its interval over the documents that have any of the second."""
    documents, place = np.unique(under[0], return_inverse=True)
    below = np.bincount(place, weights=under[1])
    inside = np.searchsorted(documents, over[0])
    above = np.bincount(inside, weights=over[1], minlength=len(documents))
    has = below > 0
    return as_result(name, bootstrap_ratio(above[has], below[has], rng), of)
