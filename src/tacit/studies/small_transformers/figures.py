"""Figures that claims are judged by, one a transformer, and those of the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tacit.base.records import Gap, Record, Result
from tacit.metrics.choosing import excess_over_best, log_log_slope
from tacit.metrics.labels import alike_share
from tacit.studies.small_transformers.cells import Cell, Pairing
from tacit.studies.small_transformers.examples import NUM_EXAMPLES, Example
from tacit.studies.small_transformers.settings import CONTROLS, FITS, Fit, SmallSettings
from tacit.studies.units import Of, over_units

Subject = tuple[int, int]
"""Width and seed."""
Values = Mapping[Subject, float | None]
Cells = Mapping[Subject, Sequence[Cell]]
TOO_FEW = f"no shared feature has {NUM_EXAMPLES} contexts"
NO_SLOPE = "L0 is 0 at some size"


def figure(name: str, values: Values, of: Of, missing: str = "") -> Result | Gap:
    """Return the mean over transformers with its interval."""
    named = {f"{width}-{seed}": value for (width, seed), value in values.items()}
    seed = min(seed for _, seed in values)
    return over_units("small", name, named, of, missing, units="transformers", seed=seed)


def curve_of(cells: Sequence[Cell], fit: Fit) -> list[Cell]:
    """Return a fit's cells that have a larger neighbour, sizes ascending."""
    return [cell for cell in cells if cell.fit == fit and cell.next is not None]


def best_of(cells: Sequence[Cell]) -> tuple[Cell, Pairing]:
    """Return the main fit's size with most shared features, the smaller of equals."""
    pairs = [(cell, cell.next) for cell in curve_of(cells, "main") if cell.next]
    return max(pairs, key=lambda pair: (pair[1].shared, -pair[0].ratio))


def most_shared(
    cells: Sequence[Cell], fit: Fit, ratios: Sequence[int] | None = None
) -> float:
    """Return the most shared features of any size, over the dimensions."""
    return max(
        cell.next.shared / cell.dims
        for cell in curve_of(cells, fit)
        if cell.next and (ratios is None or cell.ratio in ratios)
    )


def excess_of(settings: SmallSettings, cells: Sequence[Cell]) -> float:
    """Return by how much the trained transformer exceeds its best control, at their sizes."""
    ratios = settings.control_ratios[:-1]
    controls = [most_shared(cells, each, ratios) for each in CONTROLS]
    return excess_over_best(most_shared(cells, "main", ratios), controls)


def slope_of(
    settings: SmallSettings, cells: Sequence[Cell], *, divided: bool
) -> float | None:
    """Return the power with which L0 grows with the size; None where it is 0 somewhere."""
    own = {
        cell.ratio: cell.l0
        for which in (("main", "divided") if divided else ("main",))
        for cell in cells
        if cell.fit == which and cell.ratio in settings.control_ratios
    }
    return log_log_slope(list(own), list(own.values())) if min(own.values()) else None


def alike_of(
    settings: SmallSettings, examples: Sequence[Example], kind: str
) -> dict[Subject, float | None]:
    """Return each transformer's share of directions whose examples are alike."""
    found: dict[Subject, float | None] = {}
    for each in settings.subjects:
        own = [
            example.in_common
            for example in examples
            if (example.width, example.seed) == each
            and example.kind == kind
            and example.contexts == NUM_EXAMPLES
        ]
        found[each] = alike_share(np.array(own)) if own else None
    return found


def control_records(
    settings: SmallSettings, cells: Cells, examples: Sequence[Example]
) -> list[Record]:
    """Return what each control gives where a claim gives its figure."""
    records: list[Record] = []
    for control in CONTROLS:
        values = {each: most_shared(found, control) for each, found in cells.items()}
        records.append(figure("shared_per_dimension", values, {"control": FITS[control]}))
    excess = {each: excess_of(settings, found) for each, found in cells.items()}
    records.append(figure("shared_per_dimension_excess", excess, {}))
    alike = alike_of(settings, examples, "random direction")
    records.append(figure("alike_share", alike, {"control": "random directions"}, TOO_FEW))
    slopes = {
        each: slope_of(settings, found, divided=True) for each, found in cells.items()
    }
    of = {"control": "penalty divided by the size"}
    return [*records, figure("log_log_slope", slopes, of, NO_SLOPE)]
