"""Probes of a concept, tried on planted rows: do they find it, and do they find what is not there?

Axes: n and m rows, d width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.calibrations.instrument import Aspect, Instrument, Kind, Trial
from tacit.calibrations.measuring import OTHER_TEXT
from tacit.evaluations.planted_evidence import HELD_OUT_ONE_IN
from tacit.evaluations.planted_world import PlantedWorld
from tacit.interventions.erasure import PROBES, Probed, probe

LABEL = "label 0"
TRUTH_DOCUMENTS = 300
"""Of fresh text, on which a probe's true accuracy is taken."""
Train = tuple[Float[Tensor, "n d"], Bool[Tensor, " n"]]
HeldOut = tuple[Float[Tensor, "m d"], Bool[Tensor, " m"]]


@final
@dataclass(frozen=True, kw_only=True)
class ProbeInstrument(Instrument):
    """A linear and a one-hidden-layer probe: detect a concept that rows have.

    They alarm where the concept given is that of other text: it clusters in documents as the true
    one does, and no row has it.
    """

    kind: ClassVar[Kind] = "probe"
    unit: ClassVar[str] = "documents"

    world: str = "a planted concept among 111 other directions"
    sizes: tuple[int, ...] = (20, 50, 100)
    lacks: Mapping[Aspect, str] = field(
        default_factory=lambda: {"ranked_rightly": "a probe reads one set of rows"}
    )
    planted: PlantedWorld = PlantedWorld()

    def trial(self, size: int, seed: int) -> Sequence[Trial]:
        """Return what either probe reads off rows that have the concept, and that have it not."""
        rows, has_it, document = self._text(seed, size)
        held_out = torch.from_numpy(document % HELD_OUT_ONE_IN == 0)
        own = document[held_out.numpy()]
        elsewhere = self._text(OTHER_TEXT + seed, size)[1]
        *fresh, other = self._text(2 * OTHER_TEXT + seed, TRUTH_DOCUMENTS)
        train = (rows[~held_out], has_it[~held_out])
        found = probed(train, (rows[held_out], has_it[held_out]), own, seed)
        true = probed(train, (fresh[0], fresh[1]), other, seed)
        null = probed(
            (rows[~held_out], elsewhere[~held_out]),
            (rows[held_out], elsewhere[held_out]),
            own,
            seed,
        )
        return [
            Trial(
                figure="probe_accuracy",
                setting=name,
                detected=not found[name].is_at_chance,
                false_alarm=name in null and not null[name].is_at_chance,
                value=found[name].accuracy,
                low=found[name].low,
                high=found[name].high,
                truth=true[name].accuracy,
            )
            for name in PROBES
            if name in found and name in true
        ]

    def _text(
        self, index: int, num_documents: int
    ) -> tuple[Float[Tensor, "n d"], Bool[Tensor, " n"], Int[np.ndarray, " n"]]:
        drawn = self.planted.rows(index, num_documents)
        label = next(each for each in drawn.concepts if each.name == LABEL)
        return drawn.vectors, torch.from_numpy(label.has_it), drawn.document


def probed(
    train: Train, held_out: HeldOut, documents: Int[np.ndarray, " m"], seed: int
) -> Mapping[str, Probed]:
    """Return what the probes read; nothing where a side has too few rows of either kind."""
    try:
        own = {"documents": documents, "seed": seed % np.iinfo(np.int32).max}
        return probe(train, held_out, **own)
    except UserError:
        return {}
