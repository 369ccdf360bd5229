"""How the study runs: transformers, stores, dictionaries, measures; each piece resumable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial as partial_of
from pathlib import Path
from typing import Any, ClassVar, cast, final, get_args

import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.studies.side_by_side import run_side_by_side
from tacit.studies.small_transformers.analysis import findings_of
from tacit.studies.small_transformers.cost import memory_of, seconds_of
from tacit.studies.small_transformers.dictionaries import TWIN
from tacit.studies.small_transformers.later import count_all
from tacit.studies.small_transformers.pieces import fit_all, harvest_all, measure_one
from tacit.studies.small_transformers.settings import PRESETS, Fit, SmallSettings
from tacit.studies.small_transformers.subjects import losses_of, train_all
from tacit.studies.small_transformers.tables import cells_path, table_path
from tacit.studies.study import Estimate, Findings, Preset, Study
from tacit.studies.tables import write_rows


@final
class SmallTransformers(Study):
    """Row 2: sparse coding in small transformers."""

    name: ClassVar[str] = "small-transformers"
    folder: ClassVar[Path] = Path(__file__).parent
    settings: ClassVar[type[Configuration]] = SmallSettings
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS

    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the seeds of the transformers."""
        return cast(SmallSettings, settings).seeds

    def units(self, settings: Configuration) -> str:
        """Return what intervals are over."""
        small = cast(SmallSettings, settings)
        widths = " and ".join(map(str, small.subject.widths))
        return (
            f"Intervals are over {len(small.subjects)} transformers (widths {widths}, seeds "
            f"{min(small.seeds)} to {max(small.seeds)}): each has its own weights, stream and "
            "dictionaries. They are narrower than they should be with so few."
        )

    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` where a transformer cannot be or the grid does not fit in memory."""
        small = cast(SmallSettings, settings)
        for width, seed in small.subjects:
            small.subject.recipe(small.source, width, seed)
        if small.layer >= small.subject.num_layers:
            raise UserError(
                f"layer {small.layer} was asked for; the transformers have layers 0 to "
                f"{small.subject.num_layers - 1}."
            )
        named: Mapping[str, Sequence[int]] = {
            "subject.widths": small.subject.widths,
            "ratios": small.ratios,
            "control_ratios": small.control_ratios,
        }
        for name, values in named.items():
            if list(values) != sorted(set(values)) or values[0] < 1:
                raise UserError(
                    f"{name} is {values}; give each once, ascending from 1 or more."
                )
        if small.control_ratios != small.ratios[: len(small.control_ratios)]:
            raise UserError(
                f"control_ratios is {small.control_ratios}; they must be the first of ratios, "
                f"{small.ratios}."
            )
        if len(set(small.seeds)) < len(small.seeds) or max(small.seeds) >= TWIN:
            raise UserError(f"seeds is {small.seeds}; give each once, all below {TWIN}.")
        needed = memory_of(small)
        if needed > memory_bytes:
            raise UserError(
                f"dictionaries of up to {max(small.ratios)} times the width need "
                f"{needed / 2**30:.1f} GiB at once, and this machine has "
                f"{memory_bytes / 2**30:.1f} to give; lower ratios or tokens."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from a few first steps of each size; an upper bound."""
        small = cast(SmallSettings, settings)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as each piece runs
        try:
            seconds = sum(seconds_of(small, width) for width in small.subject.widths)
        finally:
            torch.set_num_threads(threads)
        count = sum(len(small.ratios_of(each)) for each in get_args(Fit))
        return Estimate(
            seconds=seconds * len(small.seeds) / min(threads, len(small.subjects)),
            device=f"{threads} threads of this machine's CPU",
            memory_bytes=memory_of(small),
            units=f"{len(small.subjects)} transformers, {count} dictionaries each, "
            f"{small.steps:,} steps of {small.batch} rows",
        )

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Train, harvest, fit and measure, one piece a thread; what is there is not made again."""
        small = cast(SmallSettings, settings)
        train_all(small, partial, progress)
        todo = [each for each in small.subjects if not cells_path(partial, *each).exists()]
        if todo:
            harvest_all(small, partial, todo, progress)
            fit_all(small, partial, todo, progress)
            with progress("measure", len(todo), "transformers") as advance:
                pieces = [partial_of(measure_one, small, partial, each) for each in todo]
                run_side_by_side(pieces, advance)
        write_rows(table_path(partial, "subjects"), losses_of(small, partial))
        count_all(small, partial, progress)

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, claims and pages."""
        return findings_of(cast(SmallSettings, settings), partial)
