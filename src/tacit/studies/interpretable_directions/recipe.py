"""How the study runs: stores, dictionaries, curves and erasures; each piece resumable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast, final

import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.data.stories.tasks import TASKS
from tacit.dictionaries.methods import Method
from tacit.models.load import load_subject
from tacit.studies.interpretable_directions.analysis import findings_of
from tacit.studies.interpretable_directions.bases import (
    bases_of,
    fit_folder,
    short,
    store_of,
)
from tacit.studies.interpretable_directions.curves import (
    Curve,
    curves_of,
    of_curves,
)
from tacit.studies.interpretable_directions.erasing import erasures_of
from tacit.studies.interpretable_directions.settings import (
    LEARNED,
    PRESETS,
    DirectionsSettings,
)
from tacit.studies.study import Estimate, Findings, Preset, Study
from tacit.studies.tables import write_rows

TIMED_STEPS = 8
OTHER_SHARE = 1.5
"""A run's time over that of its fits alone."""


@final
class InterpretableDirections(Study):
    """Row 4: interpretable directions."""

    name: ClassVar[str] = "interpretable-directions"
    folder: ClassVar[Path] = Path(__file__).parent
    settings: ClassVar[type[Configuration]] = DirectionsSettings
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS

    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the seeds of dictionaries and prompts."""
        return cast(DirectionsSettings, settings).seeds

    def units(self, settings: Configuration) -> str:
        """Return what intervals are over."""
        own = cast(DirectionsSettings, settings)
        return (
            f"Intervals are over {len(own.units)} pairs of a subject ({', '.join(own.subjects)}) "
            f"and a seed ({min(own.seeds)} to {max(own.seeds)}), which has its own dictionaries "
            "and prompts. Seeds of one subject share its weights, so intervals are narrower than "
            "they should be."
        )

    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` where prompts, names or sizes cannot be."""
        own = cast(DirectionsSettings, settings)
        if own.task not in TASKS:
            raise UserError(
                f"the task {own.task!r} was asked for; give one of {', '.join(TASKS)}."
            )
        for name, values in (("subjects", own.subjects), ("seeds", own.seeds)):
            if len(set(values)) < len(values):
                raise UserError(f"{name} is {values}; give each once.")
        if own.few >= own.atoms or own.active > own.atoms:
            raise UserError(
                f"few {own.few} and active {own.active} were asked for of {own.atoms} atoms; they "
                "must be fewer."
            )
        needed = _memory_of(own)
        if needed > memory_bytes:
            raise UserError(
                f"{own.prompts} prompts with {own.atoms} atoms need {needed / 2**30:.1f} GiB and "
                f"this machine has {memory_bytes / 2**30:.1f} to give; lower prompts or atoms."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from a few first steps of each method."""
        own = cast(DirectionsSettings, settings)
        width = load_subject(own.subjects[0]).width(own.site)
        step = sum(_step_seconds(own, method, width) for method in own.methods().values())
        return Estimate(
            seconds=step * own.steps * len(own.units) * OTHER_SHARE,
            device=f"{torch.get_num_threads()} threads of this machine's CPU",
            memory_bytes=_memory_of(own),
            units=f"{len(own.units)} pairs of subject and seed, {len(own.methods())} bases each, "
            f"{own.prompts} prompts to choose by and as many to score",
        )

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Harvest, fit, patch and erase; what is there is not made again."""
        own = cast(DirectionsSettings, settings)
        with progress("study", len(own.units), "subjects and seeds") as advance:
            for unit in own.units:
                if not _table(partial, "erasures", unit).exists():
                    _measure_one(own, partial, unit, progress)
                advance(1)
        shutil.rmtree(partial / "stores", ignore_errors=True)

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, claims and pages."""
        own = cast(DirectionsSettings, settings)
        tables = [
            [_table(partial, name, unit) for unit in own.units]
            for name in ("curves", "erasures")
        ]
        return findings_of(own, partial, *tables)


def _measure_one(
    settings: DirectionsSettings,
    partial: Path,
    unit: tuple[str, int],
    progress: Progress,
) -> None:
    """Write the tables of one subject and seed; its fits then go."""
    name, seed = unit
    subject, store = load_subject(name), store_of(settings, partial, name, progress)
    bases = bases_of(settings, partial, store, unit, progress)
    curves = curves_of(settings, subject, unit, bases)
    write_rows(_table(partial, "curves", unit), curves)
    best = bases[best_of(curves, unit)]
    erasures = erasures_of(settings, subject, unit, store, best)
    write_rows(_table(partial, "erasures", unit), erasures)
    shutil.rmtree(fit_folder(partial, name, seed))


def best_of(curves: Sequence[Curve], unit: tuple[str, int]) -> str:
    """Return the learned dictionary with the smallest area on the prompts for choosing."""
    return min(
        LEARNED, key=lambda basis: of_curves(curves, basis, "each prompt")[unit].chosen_area
    )


def _table(partial: Path, name: str, unit: tuple[str, int]) -> Path:
    return partial / "artifacts" / f"{name}-{short(unit[0])}-{unit[1]}.parquet"


def _memory_of(settings: DirectionsSettings) -> int:
    """Return about the most bytes held at once: dense codes of all prompts, twice."""
    positions = 40
    codes = settings.prompts * positions * settings.atoms * 4
    return 4 * codes + 64 * settings.atoms * 1_024


def _step_seconds(settings: DirectionsSettings, method: Method, width: int) -> float:
    """Return the seconds of one step, the fastest of a few."""
    rows = torch.randn(settings.batch, width)
    state = method.initial(0, rows, num_steps=settings.steps)
    seconds = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        state, _report = method.step(state, rows)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
