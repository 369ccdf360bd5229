"""Which measures a dictionary is scored by, at each size, and how they are run over evidence.

To add a measure, write its file, then its line; the contract tests pick it up.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, final

from tacit.base.configuration import checked_setting
from tacit.base.errors import UserError, look_up
from tacit.base.records import Gap
from tacit.evaluations.absorption import Absorption
from tacit.evaluations.attributes import Attributes
from tacit.evaluations.evidence import Evidence
from tacit.evaluations.explained import Explained
from tacit.evaluations.fidelity import Fidelity, LossRecovered
from tacit.evaluations.measure import Measure
from tacit.evaluations.perturbation import TargetedPerturbation
from tacit.evaluations.probing import SparseProbing
from tacit.evaluations.readings import Reading
from tacit.evaluations.spurious import SpuriousRemoval
from tacit.evaluations.stability import Stability
from tacit.evaluations.steered import SteeringOf
from tacit.evaluations.unlearning import Unlearning

Size = Literal["quick", "standard"]
MEASURES: Mapping[str, type[Measure]] = {
    kind.name: kind
    for kind in (
        Fidelity,
        LossRecovered,
        SparseProbing,
        Absorption,
        TargetedPerturbation,
        SpuriousRemoval,
        Attributes,
        Unlearning,
        SteeringOf,
        Stability,
        Explained,
    )
}
"""By name, in the order of reports."""
QUICK: Mapping[str, Mapping[str, Any]] = {
    "loss": {"windows": 16},
    "absorption": {"candidates": 4},
    "unlearning": {"windows": 16},
    "steering": {"labels": 3, "prefixes": 24},
    "stability": {"seeds": 2, "halves": 1, "steps": 200},
    "explanations": {"features": 20},
}
"""Settings in which the quick size differs from the defaults, which are the standard size."""


def suite_of(
    size: Size,
    names: Sequence[str] = (),
    given: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Measure, ...]:
    """Return the measures of a size, all or those named, with settings of their own by name.

    Raises:
        UserError: for an unknown measure or setting, or a value that is none.
    """
    wanted = names or tuple(MEASURES)
    for name in {**dict.fromkeys(wanted), **(given or {})}:
        look_up(MEASURES, name, "measure")
    chosen = []
    for name in (each for each in MEASURES if each in wanted):
        own = dict(QUICK.get(name, {})) if size == "quick" else {}
        for key, value in (given or {}).get(name, {}).items():
            about = {"named": f"extra.{name}.{key}", "of": f"the measure {name}"}
            own[key] = checked_setting(MEASURES[name], key, value, **about)
        chosen.append(MEASURES[name](**own))
    return tuple(chosen)


@final
@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one measure said of the dictionary and of the baselines beside it."""

    measure: str
    readings: tuple[Reading, ...]
    """Their coordinates tell measure and basis too."""
    gaps: tuple[Gap, ...]
    seconds: float


def run_measure(
    measure: Measure, evidence: Evidence, baselines: Sequence[Evidence], seed: int
) -> Measured:
    """Return what a measure finds; one that cannot be made of this evidence is gaps."""
    began = time.perf_counter()
    readings: list[Reading] = []
    gaps: list[Gap] = []
    alone = measure.needs_model or not measure.beside
    for each in (evidence, *(() if alone else baselines)):
        at = {"measure": measure.name, "basis": each.basis}
        for found in _read(measure, each, seed):
            placed = replace(found, of={**found.of, **at})
            readings.append(placed) if isinstance(placed, Reading) else gaps.append(placed)
    return Measured(
        measure=measure.name,
        readings=tuple(readings),
        gaps=tuple(gaps),
        seconds=time.perf_counter() - began,
    )


def _read(measure: Measure, evidence: Evidence, seed: int) -> Sequence[Reading | Gap]:
    reason = None
    if measure.needs_model and evidence.live is None:
        reason = "it runs the model, and these rows come without one"
    if measure.edits_rows and evidence.dictionary.target is not None:
        reason = (
            "it takes atoms out of rows, and a transcoder's are no part of what it reads"
        )
    if reason is None:
        try:
            return measure.read(evidence, seed=seed)
        except UserError as error:
            reason = str(error)
    return [Gap(name=figure, reason=reason) for figure in measure.figures]
