"""How the study runs: stores, dictionaries, curves and erasures; each piece resumable."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial as partial_of
from pathlib import Path
from typing import Any, ClassVar, cast, final

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.data.stories.tasks import TASKS
from tacit.models.load import load_subject
from tacit.models.subject import Subject
from tacit.models.untrained import untrained
from tacit.studies.interpretable_directions.analysis import findings_of
from tacit.studies.interpretable_directions.apostrophe import Word
from tacit.studies.interpretable_directions.bases import store_of, untrained_name
from tacit.studies.interpretable_directions.curves import Curve
from tacit.studies.interpretable_directions.erasing import Erasure
from tacit.studies.interpretable_directions.estimating import estimate_of, memory_of
from tacit.studies.interpretable_directions.everywhere import FITS, Shared, store_everywhere
from tacit.studies.interpretable_directions.figures import Tables
from tacit.studies.interpretable_directions.moments import MomentRow
from tacit.studies.interpretable_directions.pieces import (
    OF_LAYERS,
    TABLES,
    measure_everywhere,
    measure_one,
    table_of,
)
from tacit.studies.interpretable_directions.settings import (
    PRESETS,
    DirectionsSettings,
)
from tacit.studies.interpretable_directions.steering import SteeredRow
from tacit.studies.interpretable_directions.substituting import Substituted
from tacit.studies.interpretable_directions.tracing import LABEL, Trace
from tacit.studies.side_by_side import Piece, run_side_by_side
from tacit.studies.study import Estimate, Findings, Preset, Study
from tacit.studies.tables import read_rows

KINDS = (Curve, Erasure, Substituted, SteeredRow, MomentRow, Word)
KINDS_OF_LAYERS = (MomentRow, Trace, Substituted, Shared)
"""What a row of each of ``TABLES`` and ``OF_LAYERS`` is."""


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
        names = tuple(name for name, _ in own.everywhere)
        for name, values in (
            ("subjects", own.subjects),
            ("seeds", own.seeds),
            ("everywhere", names),
        ):
            if len(set(values)) < len(values):
                raise UserError(f"{name} is {values}; give each once.")
        if own.few >= own.atoms or own.active > own.atoms:
            raise UserError(
                f"few {own.few} and active {own.active} were asked for of {own.atoms} atoms; they "
                "must be fewer."
            )
        needed = memory_of(own)
        if needed > memory_bytes:
            raise UserError(
                f"{own.prompts} prompts with {own.atoms} atoms need {needed / 2**30:.1f} GiB and "
                f"this machine has {memory_bytes / 2**30:.1f} to give; lower prompts or atoms."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from a few first steps of each method."""
        return estimate_of(cast(DirectionsSettings, settings))

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Harvest, fit, patch and erase, a unit a thread; what is there is not made again."""
        own = cast(DirectionsSettings, settings)
        subjects: dict[str, Subject] = {}
        pieces = [
            *_pieces_of_units(own, partial, subjects, progress),
            *_pieces_of_layers(own, partial, subjects, progress),
        ]
        steps = sum(count for _, count in pieces)
        with progress("fit and patch", steps, "steps") as advance:
            run_side_by_side([piece for piece, _ in pieces], advance)
        for name in ("stores", "fits"):
            shutil.rmtree(partial / name, ignore_errors=True)

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, claims and pages."""
        own = cast(DirectionsSettings, settings)

        def rows(name: str, kind: type[Any], units: Sequence[tuple[str, int]]) -> list[Any]:
            return [
                row
                for unit in units
                for row in read_rows(table_of(partial, name, unit), kind)
            ]

        kinds = zip(TABLES, KINDS, strict=True)
        far = zip(OF_LAYERS, KINDS_OF_LAYERS, strict=True)
        found = {name: rows(name, kind, own.units) for name, kind in kinds}
        found |= {name: rows(name, kind, own.units_everywhere) for name, kind in far}
        found["moments"] += found.pop("moments_elsewhere")
        return findings_of(own, partial, Tables(**found))


def _loaded(subjects: dict[str, Subject], name: str) -> Subject:
    """Return a subject, loaded once.

    Loading changes torch's default number type meanwhile, for every thread: so before any starts.
    """
    if name not in subjects:
        subjects[name] = load_subject(name)
    return subjects[name]


def _pieces_of_units(
    settings: DirectionsSettings,
    partial: Path,
    subjects: dict[str, Subject],
    progress: Progress,
) -> list[tuple[Piece, int]]:
    """Return what is still to do of each subject and seed, with its steps."""
    pieces: list[tuple[Piece, int]] = []
    for unit in settings.units:
        if table_of(partial, TABLES[-1], unit).exists():
            continue
        subject, twin = _loaded(subjects, unit[0]), None
        store_of(settings, partial, unit[0], subject, progress)
        if settings.has_further(unit):
            twin = untrained(subject, unit[1])
            store_of(settings, partial, untrained_name(unit), twin, progress)
        piece = partial_of(measure_one, settings, partial, unit, subject, twin)
        pieces.append((piece, settings.steps * (1 + (twin is not None))))
    return pieces


def _pieces_of_layers(
    settings: DirectionsSettings,
    partial: Path,
    subjects: dict[str, Subject],
    progress: Progress,
) -> list[tuple[Piece, int]]:
    """Return what is still to do of each subject and seed of ``everywhere``, with its steps."""
    pieces: list[tuple[Piece, int]] = []
    sources = dict(settings.everywhere)
    for unit in settings.units_everywhere:
        if table_of(partial, OF_LAYERS[-1], unit).exists():
            continue
        subject, source = _loaded(subjects, unit[0]), sources[unit[0]]
        store = store_everywhere(settings, partial, unit[0], source, subject, progress)
        twin = None
        if LABEL in store.labels:
            twin, name = untrained(subject, unit[1]), untrained_name(unit)
            store_everywhere(settings, partial, name, source, twin, progress)
        piece = partial_of(
            measure_everywhere, settings, partial, unit, source, subject, twin
        )
        fits = FITS + (twin is not None)
        pieces.append((piece, settings.everywhere_steps * fits))
    return pieces
