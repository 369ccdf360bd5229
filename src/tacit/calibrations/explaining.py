"""Explainers, tried on planted features: do they find the rule, and rules where there are none?

Axes: n rows.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, final

import numpy as np
from jaxtyping import Bool
from scipy import sparse

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.calibrations.planted_index import planted_index
from tacit.calibrations.scoring import FEATURES, KINDS, is_above_chance
from tacit.explanations.exhibits import Exhibits, exhibits_of
from tacit.explanations.explanation import Explanation
from tacit.explanations.fragments import Fragments
from tacit.explanations.labelled import LabelExplainer
from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.literals import held_out_f1, literals_of
from tacit.explanations.planted import PROTOCOL, planted
from tacit.explanations.scorer import Score
from tacit.explanations.simulation import Simulation

SCORED = 40
"""Fragments of each kind on which explanations are scored, whatever they were learned from."""
DENSITY = 1 / 12
"""Of tokens on which a feature without a rule is active."""


@final
@dataclass(frozen=True, kw_only=True)
class LexicalInstrument(Instrument):
    """Explanations by tokens: detect a planted rule, and alarm at a feature active at random.

    Detected: an explanation was found, and its correlation on held-out text is above chance. The
    size is of fragments of each kind that it learns from.
    """

    kind: ClassVar[Kind] = "explainer"
    unit: ClassVar[str] = "fragments of each kind"

    world: str = "features of one or two words, some of them after certain others alone"
    sizes: tuple[int, ...] = (5, 20, 40)
    lacks: Mapping[Aspect, str] = field(
        default_factory=lambda: {
            "interval_coverage": "what a found explanation truly scores is not known; that of "
            "scores is told of the scorers",
            "calibration_bias": "it prints words; the bias of scores is told of the scorers",
            "ranked_rightly": "it makes explanations and ranks none",
        }
    )

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return how one planted feature, and one that is active at random, are explained."""
        protocol = replace(PROTOCOL, scored=SCORED, learned=size)
        world = planted(FEATURES, kinds=KINDS, protocol=protocol, seed=seed)
        kind = KINDS[seed % len(KINDS)]
        triple = next((each for each in world.triples if each.kind == kind), None)
        nothing = _at_random(world.fragments, seed)
        without = exhibits_of(
            world.fragments, world.fragments.placed(*nothing), FEATURES, protocol, seed
        )
        if triple is None or isinstance(without, Gap):
            return []
        score, alarm = (_explained(each, seed) for each in (triple.exhibits, without))
        return [
            Trial(
                figure="explanation_correlation",
                setting="top-and-random",
                detected=score is not None and is_above_chance(score),
                false_alarm=alarm is not None and is_above_chance(alarm),
                value=None if score is None else score.value,
            )
        ]


def _explained(exhibits: Exhibits, seed: int) -> Score | None:
    said = asyncio.run(LexicalExplainer().explain(exhibits))
    if isinstance(said, Gap):
        return None
    rng = stream(seed, f"calibrations/lexical/{exhibits.feature}")
    return asyncio.run(Simulation().score(said, exhibits, LexicalReader(), rng))[0]


def _at_random(fragments: Fragments, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows on which a feature without a rule is active, and its activations."""
    rng = stream(seed, "calibrations/active at random")
    rows = np.flatnonzero(rng.random(fragments.rows.size) < DENSITY)
    return rows, rng.uniform(0.5, 1.5, len(rows))


RULE = (("label 0", True), ("label 1", False))
"""A planted feature is active where the first label is and the second is not."""
NUM_LABELS, RATE = 6, 0.35
DOCUMENT_ROWS = 60
KEPT, FALSE = 0.9, 0.01
"""How often the feature is active where its rule holds, and where it does not."""


@final
@dataclass(frozen=True, kw_only=True)
class LabelInstrument(Instrument):
    """Explanations by labels: detect a planted rule exactly, and alarm at no rule.

    Detected: just the planted labels are named. The printed figure is the explanation's F1 on
    held-out documents, known in closed form for the planted rule; the others' are not counted.
    """

    kind: ClassVar[Kind] = "explainer"
    unit: ClassVar[str] = "documents"

    world: str = (
        "a feature that fires on nine tenths of tokens with one label and not another"
    )
    sizes: tuple[int, ...] = (40, 80, 160)
    lacks: Mapping[Aspect, str] = field(
        default_factory=lambda: {"ranked_rightly": "it makes explanations and ranks none"}
    )

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return how one planted feature, and one that is active at random, are explained."""
        rng = stream(seed, f"calibrations/labels/{size}")
        document = np.repeat(np.arange(size), DOCUMENT_ROWS)
        labels = {
            f"label {number}": rng.random(len(document)) < RATE
            for number in range(NUM_LABELS)
        }
        holds = _holds(labels)
        active = np.stack(
            [
                np.where(
                    holds, rng.random(len(holds)) < KEPT, rng.random(len(holds)) < FALSE
                ),
                rng.random(len(holds)) < _density(),
            ],
            axis=1,
        )
        codes = sparse.csr_array(active * rng.uniform(0.5, 1.5, active.shape))
        with tempfile.TemporaryDirectory() as folder:
            index = planted_index(Path(folder), codes, labels, document, document % 4 == 0)
            explainer = LabelExplainer(index, seed=seed)
            said = [_said(explainer, index.firings(each), each) for each in (0, 1)]
            return [
                _trial(explainer, said[0], active[:, 0], seed, alarm=said[1] is not None)
            ]


def _said(
    explainer: LabelExplainer, fired: Mapping[str, np.ndarray], feature: int
) -> Explanation | None:
    found = explainer.explanation_of(feature, fired["row"], fired["value"])
    return found if isinstance(found, Explanation) else None


def _trial(
    explainer: LabelExplainer,
    said: Explanation | None,
    active: Bool[np.ndarray, " n"],
    seed: int,
    *,
    alarm: bool,
) -> Trial:
    """Return the trial; a figure only where the planted rule itself was found."""
    named = () if said is None else literals_of(said.rule)
    right = {(each.label, each.has_it) for each in named if not each.offset} == set(RULE)
    right &= len(named) == len(RULE)
    printed = None
    if right:
        rng = stream(seed, "calibrations/labels/f1")
        printed = held_out_f1(explainer.labels, named, active, rng)
    return Trial(
        figure="f1",
        setting="of the labels named",
        detected=right,
        false_alarm=alarm,
        value=None if printed is None else printed.value,
        low=None if printed is None else printed.low,
        high=None if printed is None else printed.high,
        truth=true_f1(),
    )


def _holds(labels: Mapping[str, Bool[np.ndarray, " n"]]) -> Bool[np.ndarray, " n"]:
    return np.logical_and.reduce([labels[name] == has_it for name, has_it in RULE])


def _share() -> float:
    """Return the share of tokens on which the rule holds."""
    return float(np.prod([RATE if has_it else 1 - RATE for _, has_it in RULE]))


def _density() -> float:
    """Return the share of tokens on which the planted feature is active."""
    return _share() * KEPT + (1 - _share()) * FALSE


def true_f1() -> float:
    """Return the F1 of the planted rule for "the feature is active", over all text there is."""
    return 2 * _share() * KEPT / (_share() + _density())
