"""Agreement of features with labels, tried on planted rows: does it tell features from none?

Axes: n rows, d width.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.calibrations.measuring import OTHER_TEXT
from tacit.calibrations.planted_index import planted_index
from tacit.evaluations.concepts import Concept
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.planted_evidence import QUALITIES, Quality, planted_evidence
from tacit.evaluations.planted_world import PlantedWorld
from tacit.features.agreement import LabelAgreement, label_agreement
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.intervals import Interval

FIGURE = "f1"


@final
@dataclass(frozen=True, kw_only=True)
class AgreementInstrument(Instrument):
    """Mean over labels of the best feature's F1: detects that it is above random directions.

    Above: the interval of the mean difference, label by label. It alarms where the labels are
    those of other text, which no feature and no direction can tell.
    """

    kind: ClassVar[Kind] = "agreement"
    unit: ClassVar[str] = "documents"
    large: ClassVar[int | None] = 400

    world: str = "planted labels, of which each text speaks of other ones"
    sizes: tuple[int, ...] = (20, 50, 100)
    lacks: Mapping[Aspect, str] = field(default_factory=dict[Aspect, str])
    planted: PlantedWorld = PlantedWorld(population=20)

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return the agreement of dictionaries of every quality on one text."""
        text = {quality: self._evidence(quality, seed, size) for quality in QUALITIES}
        found = {quality: agreement_with(each, seed) for quality, each in text.items()}
        own = found["good"]
        if own is None:
            return []
        elsewhere = self._evidence("good", OTHER_TEXT + seed, size).concepts
        null = agreement_with(text["good"], seed, elsewhere)
        mean = _mean([each.f1 for each in own.by_label.values()], seed)
        values = [
            np.mean([each.f1 for each in one.by_label.values()])
            for one in found.values()
            if one is not None and one.by_label
        ]
        return [
            Trial(
                figure=FIGURE,
                setting="best features",
                detected=is_above_random(own, seed),
                false_alarm=null is not None and is_above_random(null, seed),
                ranked=len(values) == len(QUALITIES)
                and bool(values[0] > values[1] > values[2]),
                value=mean.value,
                low=mean.low,
                high=mean.high,
            )
        ]

    def truths(self, seed: int) -> Mapping[tuple[str, str], float]:
        """Return the agreement of the good dictionary on much text with the same labels."""
        assert self.large is not None
        found = agreement_with(self._evidence("good", seed, self.large), seed)
        if found is None:
            return {}
        values = [each.f1 for each in found.by_label.values()]
        return {(FIGURE, "best features"): float(np.mean(values))}

    def _evidence(self, quality: Quality, index: int, num_documents: int) -> Evidence:
        return planted_evidence(
            self.planted, quality, index=index, num_documents=num_documents
        )


def agreement_with(
    evidence: Evidence, seed: int, concepts: Sequence[Concept] | None = None
) -> LabelAgreement | None:
    """Return the agreement with binary concepts; None where no feature can be matched."""
    labels = {
        each.name: each.has_it for each in concepts or evidence.concepts if each.is_binary
    }
    width = evidence.activations.shape[1]
    drawn = stream(seed, "calibrations/random basis").standard_normal((width, width))
    basis = torch.linalg.qr(torch.from_numpy(drawn).float()).Q
    centre = evidence.activations[torch.from_numpy(evidence.train)].mean(dim=0)
    random = ((evidence.activations - centre) @ basis).numpy()
    with tempfile.TemporaryDirectory() as folder:
        index = planted_index(
            Path(folder), evidence.codes, labels, evidence.document, evidence.held_out
        )
        try:
            found = label_agreement(index, random, seed=seed)
        except UserError:
            return None
    return found if found.by_label and found.random else None


def is_above_random(found: LabelAgreement, seed: int) -> bool:
    """Return whether features tell labels better than random directions do, as an interval says."""
    apart = [each.f1 - found.random[name].f1 for name, each in found.by_label.items()]
    low = _mean(apart, seed).low
    return low is not None and low > 0


def _mean(values: Sequence[float], seed: int) -> Interval:
    return bootstrap_mean(np.array(values), stream(seed, "calibrations/agreement"))
