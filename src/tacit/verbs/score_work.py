"""The work of scoring: explanations by every scorer, and beside each what it must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from tacit.base.progress import Progress
from tacit.explanations.explanation import Explainer, Explanation
from tacit.explanations.floors import RandomExplainer, UnigramExplainer
from tacit.explanations.ledger import Ledger
from tacit.explanations.lexical import LexicalReader
from tacit.explanations.reader import Reader
from tacit.explanations.remembering import Remembering
from tacit.explanations.scorer import Scorer
from tacit.explanations.working import Worked, explain_all, score_all
from tacit.models.spending import Budget
from tacit.verbs.explain import Shown
from tacit.verbs.explained_run import Explanations, said_in

LEDGER = "scores.jsonl"
PREDICTIONS = "predictions.jsonl"
FLOORS = "floors.jsonl"


@final
@dataclass(frozen=True, kw_only=True)
class Work:
    """The explanations to score, and beside each what it must beat."""

    made: Explanations
    shown: Shown
    reader: Reader
    scorers: Sequence[Scorer]
    folder: Path
    budget: Budget
    at_once: int
    again: bool
    progress: Progress

    @cached_property
    def ledger(self) -> Ledger:
        """The scores, of floors too."""
        return Ledger(self.folder / LEDGER)

    async def done(self, *, control: bool) -> Worked:
        """Score explanations, then floors; what stops either stops all."""
        remembering = Remembering(self.reader, Ledger(self.folder / PREDICTIONS))
        worked = await self._scored(self.made.explained, remembering, self.scorers)
        if control:
            floors = Ledger(self.folder / FLOORS)
            for explainer, reader, scorers in self._controls():
                if worked.stopped is None:
                    given = await self._floor(explainer, floors)
                    worked.stopped = (await self._scored(given, reader, scorers)).stopped
        return worked

    async def _scored(
        self,
        explanations: Sequence[Explanation],
        reader: Reader,
        scorers: Sequence[Scorer],
    ) -> Worked:
        return await score_all(
            explanations,
            self.shown.exhibits,
            reader,
            scorers,
            self.ledger,
            seed=self.shown.seed,
            at_once=self.at_once,
            budget=self.budget,
            again=self.again,
            progress=self.progress,
        )

    def _controls(self) -> list[tuple[Explainer, Reader, Sequence[Scorer]]]:
        """Return the floors, each with its reader and the scorers that apply to it.

        Tokens without context are read by their rule, whoever reads the explanations: it costs
        nothing. Explanations of other features are read as the explanations are.
        """
        explained, own = self.made.explained, self.made.explained[0].explainer
        of_text = [each for each in self.scorers if each.name != "label"]
        found: list[tuple[Explainer, Reader, Sequence[Scorer]]] = []
        if own != UnigramExplainer.name:
            found.append((UnigramExplainer(), LexicalReader(), of_text))
        if own != RandomExplainer.name and len(explained) > 1:
            dealt = RandomExplainer(explained, self.shown.seed)
            found.append((dealt, self.reader, self.scorers))
        return found

    async def _floor(self, explainer: Explainer, floors: Ledger) -> list[Explanation]:
        """Return what a floor says of every explained feature, kept as it was first said."""
        features = [each.feature for each in self.made.explained]
        await explain_all(features, self.shown.exhibits, explainer, floors)
        return [
            each
            for each in said_in(floors.records)
            if isinstance(each, Explanation) and each.explainer == explainer.name
        ]
