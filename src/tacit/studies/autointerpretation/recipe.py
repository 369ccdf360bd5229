"""How the study runs: stores, then one place after another, each resumable."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial as partial_of
from pathlib import Path
from typing import Any, ClassVar, cast, final

import torch

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.studies.autointerpretation.analysis import findings_of
from tacit.studies.autointerpretation.estimating import estimate_of, memory_of
from tacit.studies.autointerpretation.figures import Tables
from tacit.studies.autointerpretation.instruments import instruments_of
from tacit.studies.autointerpretation.pieces import TABLES, features_at, measure_place
from tacit.studies.autointerpretation.places import places_of, steps_at, table_of
from tacit.studies.autointerpretation.reading import harvest_all
from tacit.studies.autointerpretation.rows import BasisRow, FeatureRow, LabelRow
from tacit.studies.autointerpretation.settings import (
    LEXICAL,
    PRESETS,
    AutointerpretationSettings,
)
from tacit.studies.in_processes import run_in_processes
from tacit.studies.study import Estimate, Findings, Preset, Study
from tacit.studies.tables import read_rows

KINDS = (FeatureRow, LabelRow, BasisRow)
"""What a row of each of ``TABLES`` is."""


@final
class Autointerpretation(Study):
    """Row 3: automatic interpretation of many bases."""

    name: ClassVar[str] = "autointerpretation"
    folder: ClassVar[Path] = Path(__file__).parent
    settings: ClassVar[type[Configuration]] = AutointerpretationSettings
    presets: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS

    def seeds(self, settings: Configuration) -> Sequence[int]:
        """Return the seeds of dictionaries, features and fragments."""
        return cast(AutointerpretationSettings, settings).seeds

    def units(self, settings: Configuration) -> str:
        """Return what intervals are over."""
        own = cast(AutointerpretationSettings, settings)
        names = ", ".join(name for name, _ in own.subjects)
        return (
            f"Intervals of claims are over {len(own.units)} pairs of a subject ({names}) and a "
            f"seed ({min(own.seeds)} to {max(own.seeds)}), which has its own dictionaries, "
            f"{own.features} features of each basis and site, and fragments. Seeds of one subject "
            "share its weights and text, so intervals are narrower than they should be."
        )

    def check(self, settings: Configuration, memory_bytes: int) -> None:
        """Raise ``UserError`` where sites, sizes or instruments cannot be."""
        own = cast(AutointerpretationSettings, settings)
        _check_lists(own)
        if own.explainer != LEXICAL and own.reader_name == LEXICAL:
            raise UserError(
                f"{own.explainer} was asked to explain and {LEXICAL} to read; it reads patterns, "
                "not words: give a chat model as reader, or none."
            )
        has_limits = own.most_dollars or own.most_tokens or own.prices
        if has_limits and not own.asks:
            raise UserError(
                "prices or a budget were given, and no chat model is asked; leave them out, or "
                "give explainer or reader."
            )
        needed = memory_of(own)
        if needed > memory_bytes:
            raise UserError(
                f"{own.tokens:,} tokens with atoms of up to {max(own.ratio, *own.sizes):g} a "
                f"dimension need {needed / 2**30:.1f} GiB and this machine has "
                f"{memory_bytes / 2**30:.1f} to give; lower tokens, component_rows or sizes."
            )

    def estimate(self, settings: Configuration) -> Estimate:
        """Return time and memory, from a few steps of each method and one feature explained."""
        return estimate_of(cast(AutointerpretationSettings, settings))

    def measure(self, settings: Configuration, partial: Path, progress: Progress) -> None:
        """Harvest, fit, explain and score, a place a process; what is there is not made again.

        Chat models are asked at one place at a time: each is asked many questions at once anyway.
        """
        own = cast(AutointerpretationSettings, settings)
        left = [
            place
            for place in places_of(own)
            if not table_of(partial, TABLES[-1], place).exists()
        ]
        harvest_all(own, partial, left, progress)
        instruments = instruments_of(own, partial)
        pieces = [
            partial_of(measure_place, own, partial, place, instruments) for place in left
        ]
        sizes = [steps_at(own, place) + 2 * features_at(own, place) for place in left]
        processes = 1 if own.asks else own.processes or torch.get_num_threads()
        with progress("fit and explain", sum(sizes), "steps") as advance:
            run_in_processes(pieces, sizes, processes, advance)
        # What chat models answered was paid for, and stays.
        for name in ("stores", "fits", "indexes", *(() if own.asks else ("ledgers",))):
            shutil.rmtree(partial / name, ignore_errors=True)

    def analyse(self, settings: Configuration, partial: Path) -> Findings:
        """Return figures, claims and pages."""
        own = cast(AutointerpretationSettings, settings)
        found: dict[str, list[Any]] = {
            name: [
                row
                for place in places_of(own)
                for row in read_rows(table_of(partial, name, place), kind)
            ]
            for name, kind in zip(TABLES, KINDS, strict=True)
        }
        return findings_of(Tables(settings=own, **found), partial)


def _check_lists(settings: AutointerpretationSettings) -> None:
    """Raise ``UserError`` where something is named twice, or that is not read."""
    for name, values in (
        ("subjects", tuple(subject for subject, _ in settings.subjects)),
        ("seeds", settings.seeds),
        ("sites", settings.sites),
        ("control_sites", settings.control_sites),
        ("sizes", (*settings.sizes, settings.ratio_at(settings.sweep_site))),
        ("shares", (*settings.shares, 1.0)),
    ):
        if len(set(values)) < len(values):
            raise UserError(
                f"{name} is {values}, the study's own among them; give each once."
            )
    others = {
        *settings.control_sites,
        *([settings.sweep_site] if settings.has_sweep else []),
    }
    if not others <= set(settings.sites):
        raise UserError(
            f"control_sites and sweep_site name {', '.join(sorted(others - set(settings.sites)))}, "
            f"and only {', '.join(settings.sites)} are read; add them to sites."
        )
    sizes = (*settings.sizes, *settings.shares)
    if sizes and (min(sizes) <= 0 or max(settings.shares, default=0) >= 1):
        raise UserError(
            f"sizes {settings.sizes} and shares {settings.shares} were asked for; give numbers "
            "above 0, and shares below 1."
        )
