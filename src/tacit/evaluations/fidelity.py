"""How much of held-out rows a dictionary gives back, with how many atoms, and what it costs.

Axes: n rows, d width, f atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.records import Gap
from tacit.evaluations.evidence import Evidence, Live
from tacit.evaluations.measure import Measure, Readings
from tacit.evaluations.readings import Reading
from tacit.interventions.loss import substitution_losses
from tacit.metrics.fidelity import VarianceUnexplained
from tacit.metrics.sparsity import DENSE_DENSITY

BLOCK_ROWS = 8_192
TEXT = "held-out text"


@final
@dataclass(frozen=True, kw_only=True)
class Fidelity(Measure):
    """Variance unexplained and active atoms over held-out rows; which atoms are dead or dense.

    The first two by document; the others are of all atoms, which are no sample of anything.
    """

    name: ClassVar[str] = "fidelity"
    figures: ClassVar[tuple[str, ...]] = ("fvu", "l0", "dead_share", "dense_share")

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return the sums of each document, and the shares of atoms that are dead or dense."""
        del seed
        rows = np.flatnonzero(evidence.held_out)
        codes = evidence.codes[rows]
        fires = np.bincount(codes.indices, minlength=evidence.num_atoms)
        active = np.diff(codes.indptr)
        document = evidence.document[rows]
        readings = _by_document(evidence, rows)
        for one in np.unique(document):
            own = active[document == one]
            readings.append(_part("l0", one, float(own.sum()), len(own)))
        shares = {
            "dead_share": (fires == 0).mean(),
            "dense_share": (fires > DENSE_DENSITY * len(rows)).mean(),
        }
        return readings + [
            Reading(figure=figure, unit="all atoms", top=float(share))
            for figure, share in shares.items()
        ]


def _by_document(evidence: Evidence, rows: Int[np.ndarray, " m"]) -> list[Reading]:
    sample = VarianceUnexplained()
    for first in range(0, len(rows), BLOCK_ROWS):
        some = rows[first : first + BLOCK_ROWS]
        read = evidence.activations[torch.from_numpy(some)]
        true = _target(evidence, some, read)
        sample.add(true, evidence.dictionary.rebuild(read).cpu(), evidence.document[some])
    sums = sample.unit_sums()
    return [
        _part("fvu", unit, error, spread)
        for unit, error, spread in zip(
            sums.units, sums.numerators, sums.denominators, strict=True
        )
    ]


def _target(
    evidence: Evidence, rows: Int[np.ndarray, " m"], read: Float[Tensor, "m d"]
) -> Float[Tensor, "m e"]:
    """Return what should be rebuilt: the rows themselves, but for a transcoder."""
    target = evidence.dictionary.contract.target
    if target is None or evidence.live is None:
        return read
    return evidence.live.store.vectors(target, evidence.rows[rows])


def _part(figure: str, part: int | np.integer, top: float, bottom: float) -> Reading:
    return Reading(
        figure=figure, unit=TEXT, top=float(top), bottom=float(bottom), part=int(part)
    )


@final
@dataclass(frozen=True, kw_only=True)
class LossRecovered(Measure):
    """How well the model goes on from what is rebuilt: 1 as in its clean run, 0 as ablated."""

    name: ClassVar[str] = "loss"
    figures: ClassVar[tuple[str, ...]] = ("loss_recovered",)
    needs_model: ClassVar[bool] = True

    windows: int | None = 96
    """Held-out windows that the model reads; None: all."""

    def read(self, evidence: Evidence, *, seed: int) -> Readings:
        """Return the losses of each document, against either ablation."""
        del seed
        live = evidence.live
        assert live is not None, "the suite gives the model to what needs it"
        if not live.subject.is_causal:
            reason = f"{live.subject.name} is an encoder and predicts no next token"
            return [Gap(name="loss_recovered", reason=reason)]
        mean = evidence.activations[torch.from_numpy(evidence.train)].double().mean(dim=0)
        return self._parts(evidence, live, mean.float())

    def _parts(
        self, evidence: Evidence, live: Live, mean: Float[Tensor, " d"]
    ) -> Sequence[Reading | Gap]:
        dictionary = evidence.dictionary
        if dictionary.contract.target is not None:
            rows = evidence.rows[evidence.train]
            mean = live.store.vectors(dictionary.contract.target, rows).mean(dim=0)
        losses = substitution_losses(
            live.subject,
            live.store,
            dictionary.contract.target or live.site,
            {"own": dictionary},
            mean,
            max_windows=self.windows,
        )
        readings: list[Reading | Gap] = []
        for against in ("zero", "mean"):
            of = {"against": against, "windows_left_out": losses.num_windows_left_out}
            harm = losses.edited[against] - losses.clean
            if harm.sum() <= 0:
                reason = f"{against} ablation does not raise the loss, so nothing can be recovered"
                readings.append(Gap(name="loss_recovered", reason=reason, of=of))
                continue
            kept = losses.edited[against] - losses.edited["own"]
            readings += [
                Reading(
                    figure="loss_recovered",
                    unit=TEXT,
                    top=float(top),
                    bottom=float(bottom),
                    of=of,
                    part=int(part),
                )
                for part, top, bottom in zip(losses.documents, kept, harm, strict=True)
            ]
        return readings
