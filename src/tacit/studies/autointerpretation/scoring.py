"""The features of one basis: drawn, explained, read and scored, each kept as soon as it is done."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from tacit.base.progress import Progress
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.asked import FEWEST
from tacit.explanations.exhibits import Exhibits, Protocol, exhibits_of
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.ledger import Ledger
from tacit.explanations.ledger_records import (
    explained_key,
    explanation_of,
    scored_key,
    scores_of,
)
from tacit.explanations.reader import Reader
from tacit.explanations.scorer import Score, Scorer
from tacit.explanations.scorers import SCORERS
from tacit.explanations.simulation import FIGURES as KINDS
from tacit.explanations.working import explain_all, score_all
from tacit.models.spending import Budget
from tacit.studies.autointerpretation.codes import Coded, Fired
from tacit.studies.autointerpretation.places import Place
from tacit.studies.autointerpretation.rows import FIGURES, SIMULATED
from tacit.studies.autointerpretation.settings import AutointerpretationSettings

AT_ONCE = 32
"""Features whose firings are held together."""
CHANCE = {"detection": 0.5, "fuzzing": 0.5}
"""Of what is no correlation: what an explanation that says nothing scores."""
Scores = Mapping[str, float | None]
"""What is scored -> the value that counts."""


@final
@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The features of a basis that are looked at."""

    exhibits: Mapping[int, Exhibits]
    fired: Mapping[int, Fired]
    enough: int
    """Atoms active in enough fragments."""
    left_out: int
    """Drawn, but not active in enough fragments on one of the two sides."""


@final
@dataclass(frozen=True, kw_only=True)
class Told:
    """What was said of one feature, and what that is worth."""

    explanation: Explanation | Gap
    scores: Scores
    unanswered: int

    @property
    def says_nothing(self) -> bool:
        """Whether there is no explanation, and no failure either: chance is what it scores."""
        return isinstance(self.explanation, Gap) and not self.unanswered

    @property
    def text(self) -> str:
        """The explanation, or why there is none."""
        said = self.explanation
        return said.reason if isinstance(said, Gap) else said.text


def protocol_of(settings: AutointerpretationSettings) -> Protocol:
    """Return how fragments are chosen."""
    return Protocol(fewest=settings.fewest, scored=settings.scored, apart=settings.apart)


def drawn(
    settings: AutointerpretationSettings, coded: Coded, place: Place, basis: str
) -> Drawn:
    """Return as many features as asked for, at random among those active in enough fragments."""
    enough = np.flatnonzero(coded.num_active >= settings.fewest)
    rng = stream(place.seed, f"studies/autointerpretation/features/{place.site}/{basis}")
    order: list[int] = rng.permutation(enough).tolist()
    exhibits: dict[int, Exhibits] = {}
    kept: dict[int, Fired] = {}
    left_out = 0
    for feature, fired in _in_turn(coded, order):
        if len(exhibits) == settings.features:
            break
        found = exhibits_of(
            coded.fragments,
            coded.placed(fired),
            feature,
            protocol_of(settings),
            place.seed,
        )
        if isinstance(found, Gap):
            left_out += 1
        else:
            exhibits[feature], kept[feature] = found, fired
    return Drawn(exhibits=exhibits, fired=kept, enough=len(enough), left_out=left_out)


def _in_turn(coded: Coded, order: Sequence[int]) -> Iterator[tuple[int, Fired]]:
    for first in range(0, len(order), AT_ONCE):
        yield from coded.fired(order[first : first + AT_ONCE]).items()


def told_of(
    chosen: Drawn,
    explainer: Explainer,
    reader: Reader,
    budget: Budget | None,
    ledger: Path,
    seed: int,
    progress: Progress,
) -> dict[int, Told]:
    """Return every drawn feature explained and scored; what the ledger has is not asked again."""
    kept, features = Ledger(ledger), list(chosen.exhibits)
    scorers = [scorer() for scorer in SCORERS.values()]
    explained: dict[int, Explanation | Gap] = {}

    async def work() -> None:
        shown = chosen.exhibits.__getitem__
        await explain_all(
            features, shown, explainer, kept, budget=budget, progress=progress
        )
        for feature in features:
            record = kept.records.get(explained_key(explainer, feature))
            explained[feature] = (
                _not_asked(feature) if record is None else explanation_of(record)
            )
        said = [each for each in explained.values() if isinstance(each, Explanation)]
        await score_all(
            said, shown, reader, scorers, kept, seed=seed, budget=budget, progress=progress
        )

    asyncio.run(work())
    return {
        feature: _told(explained[feature], chosen.exhibits[feature], kept, scorers, reader)
        for feature in features
    }


def _told(
    said: Explanation | Gap,
    exhibits: Exhibits,
    ledger: Ledger,
    scorers: Sequence[Scorer],
    reader: Reader,
) -> Told:
    """Return one feature's scores as they count."""
    if isinstance(said, Gap):
        # A chat model's gap has a kind: it failed, and nothing is known of the feature.
        if "kind" in said.of:
            return Told(explanation=said, scores=dict.fromkeys(FIGURES), unanswered=1)
        return Told(explanation=said, scores=scores_of_nothing(exhibits), unanswered=0)
    rows: list[Score] = []
    missing = 0
    for scorer in scorers:
        record = ledger.records.get(scored_key(scorer, reader, said))
        scores = None if record is None else scores_of(record)
        if scores is None or isinstance(scores, Gap):
            missing += 1
        else:
            rows += scores
    values = {_figure_of(row): counted(row, exhibits) for row in rows}
    return Told(
        explanation=said,
        scores={figure: values.get(figure) for figure in FIGURES},
        # Of fuzzing, gaps are mostly fragments that cannot be marked both ways.
        unanswered=missing + sum(row.gaps for row in rows if row.scorer != "fuzzing"),
    )


def _figure_of(row: Score) -> str:
    return row.figure if row.figure in SIMULATED else row.scorer


def counted(row: Score, exhibits: Exhibits) -> float | None:
    """Return a score; its chance where the prediction is the same on every token."""
    if row.value is not None or row.gaps or row.figure not in SIMULATED:
        return row.value
    return row.chance if _varies(exhibits, row.figure) else None


def scores_of_nothing(exhibits: Exhibits) -> Scores:
    """Return what an explanation that says nothing scores wherever there is a question."""
    simulated = {figure: 0.0 if _varies(exhibits, figure) else None for figure in SIMULATED}
    num = min(len(exhibits.of("random")), len(exhibits.of("silent")))
    detection = CHANCE["detection"] if num >= FEWEST else None
    return {**simulated, "detection": detection, "fuzzing": CHANCE["fuzzing"]}


def _varies(exhibits: Exhibits, figure: str) -> bool:
    """Whether the feature's activation differs between tokens scored on."""
    known = [each.values[each.known] for each in exhibits.of(*KINDS[figure])]
    values = np.concatenate(known) if known else np.empty(0)
    return len(values) > 0 and not math.isclose(float(np.ptp(values)), 0.0)


def _not_asked(feature: int) -> Gap:
    reason = "the budget of chat models was reached before its turn"
    return Gap(name="explanation", reason=reason, of={"feature": feature, "kind": "budget"})
