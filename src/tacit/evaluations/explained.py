"""Are the features such that something short is true of them? Explained without any model.

Axes: n rows, f atoms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.evaluations.evidence import Evidence, Live
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.readings import Reading
from tacit.explanations.detection import Detection
from tacit.explanations.exhibits import Exhibits, Protocol, exhibits_of
from tacit.explanations.explanation import Explanation
from tacit.explanations.floors import RandomExplainer
from tacit.explanations.fragments import Fragments, fragments_of
from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.scorer import Scorer
from tacit.explanations.simulation import Simulation
from tacit.features.build import build_index
from tacit.features.index import open_index

SCORED: dict[str, tuple[type[Scorer], str]] = {
    "explanation_correlation": (Simulation, "top-and-random"),
    "detection_accuracy": (Detection, "balanced accuracy"),
}
"""Figure in the catalogue -> who scores it, and what the scorer calls it."""


@final
@dataclass(frozen=True, kw_only=True)
class Explained(Measure):
    """Features drawn at random, explained by patterns of tokens and scored on other documents.

    A feature of which no pattern tells anything scores chance. Beside: another feature's
    explanation, the floor. ``tacit explain`` and ``tacit score`` do the same for all features and
    for chat models.
    """

    name: ClassVar[str] = "explanations"
    figures: ClassVar[tuple[str, ...]] = tuple(SCORED)
    needs_model: ClassVar[bool] = True  # of the index, whose text is the store's

    features: int = 60
    """Features drawn among those active in enough fragments."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return each feature's scores, those of another one's explanation beside them."""
        assert evidence.live is not None, "the suite gives the store to what needs it"
        fragments = _fragments(evidence, evidence.live)
        shown, left_out = self._drawn(evidence, fragments, seed)
        if len(shown) < 2:
            reason = f"{len(shown)} features are active in enough fragments of both sides"
            return [Gap(name=name, reason=reason) for name in self.figures]
        explained = asyncio.run(_explained(list(shown.values())))
        said = [each for each in explained.values() if isinstance(each, Explanation)]
        others = RandomExplainer(said, seed) if len(said) > 1 else None
        readings: list[Reading | Gap] = [*_untold(len(shown) - len(said), len(shown))]
        for feature, exhibits in shown.items():
            ways = {"lexical": explained[feature]}
            if others is not None:
                ways["another feature's"] = asyncio.run(others.explain(exhibits))
            for way, explanation in ways.items():
                of = {"explainer": way, "features_left_out": left_out}
                readings += asyncio.run(_scored(feature, exhibits, explanation, of, seed))
        return readings

    def _drawn(
        self, evidence: Evidence, fragments: Fragments, seed: int
    ) -> tuple[dict[int, Exhibits], int]:
        """Return the exhibits of features drawn at random, and how many were passed over."""
        fired = np.bincount(evidence.codes.indices, minlength=evidence.num_atoms)
        alive = np.flatnonzero(fired >= Protocol().fewest)
        order = stream(seed, "evaluations/explained features").permutation(alive)
        shown: dict[int, Exhibits] = {}
        left_out = 0
        for feature in map(int, order):
            if len(shown) == self.features:
                break
            own = evidence.by_atom[:, [feature]].tocoo()
            firings = fragments.placed(evidence.rows[own.coords[0]], own.data)
            found = exhibits_of(fragments, firings, feature, Protocol(), seed)
            if isinstance(found, Gap):
                left_out += 1
            else:
                shown[feature] = found
        return shown, left_out


def _untold(count: int, of: int) -> list[Gap]:
    """Return the note that so many features score chance, as nothing tells of them."""
    reason = f"{count} of {of} features are told by no pattern of tokens, and score chance"
    return [Gap(name="explanations of features", reason=reason)] if count else []


def _fragments(evidence: Evidence, live: Live) -> Fragments:
    folder = live.folder / "index"
    if folder.exists():
        return fragments_of(open_index(folder))
    return fragments_of(build_index(evidence.dictionary, live.store, folder))


async def _explained(shown: Sequence[Exhibits]) -> dict[int, Explanation | Gap]:
    explainer = LexicalExplainer()
    return {each.feature: await explainer.explain(each) for each in shown}


async def _scored(
    feature: int,
    exhibits: Exhibits,
    explanation: Explanation | Gap,
    of: dict[str, str | int],
    seed: int,
) -> list[Reading]:
    """Return a feature's scores; an explanation that is not there scores chance."""
    readings: list[Reading] = []
    for figure, (kind, own) in SCORED.items():
        scorer = kind()
        chance = 0.5 if figure == "detection_accuracy" else 0.0
        value = chance
        if isinstance(explanation, Explanation):
            rng = stream(seed, f"evaluations/explained/{figure}/{feature}")
            scores = await scorer.score(explanation, exhibits, LexicalReader(), rng)
            found = next(each for each in scores if each.figure == own)
            # Where either side is constant nothing is predicted, which is chance.
            value = chance if found.value is None else found.value
        readings.append(Reading(figure=figure, unit=f"feature {feature}", top=value, of=of))
    return readings
