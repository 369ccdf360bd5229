"""What the tables of a run say of each published claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tacit.base.records import Record, Result
from tacit.studies.small_transformers.cells import Agreement, Cell
from tacit.studies.small_transformers.claims import chance_passes, claims
from tacit.studies.small_transformers.examples import Example
from tacit.studies.small_transformers.figures import Subject, control_records, figure
from tacit.studies.small_transformers.later import read_counts
from tacit.studies.small_transformers.pages import pages_of
from tacit.studies.small_transformers.settings import FITS, SmallSettings
from tacit.studies.small_transformers.subjects import HeldOutLoss
from tacit.studies.small_transformers.tables import read_cells, read_of_all, table_path
from tacit.studies.study import Findings
from tacit.studies.tables import read_rows
from tacit.studies.units import Of

FIGURES: Mapping[str, Callable[[Cell], float | None]] = {
    "fvu": lambda cell: cell.fvu,
    "l0": lambda cell: cell.l0,
    "dead_share": lambda cell: cell.dead / cell.atoms,
    "shared_per_dimension": lambda cell: cell.next and cell.next.shared / cell.dims,
    "shared_above_0.9": lambda cell: cell.next and cell.next.shared_share,
    "shared_cosine": lambda cell: cell.next and cell.next.matched,
}
"""Figures of each size and fit that go into the results."""


def findings_of(settings: SmallSettings, partial: Path) -> Findings:
    """Return figures, claims and pages of a run's folder."""
    cells = {each: read_cells(partial, *each) for each in settings.subjects}
    examples = read_of_all(settings, partial, "examples", Example)
    agreements = read_of_all(settings, partial, "agreement", Agreement)
    losses = read_rows(table_path(partial, "subjects"), HeldOutLoss)
    records = [*loss_records(losses), *cell_records(settings, cells)]
    findings = claims(settings, cells, examples, read_counts(partial))
    return Findings(
        records=[*records, *control_records(settings, cells, examples)],
        findings=findings,
        pages=pages_of(settings, partial, cells, examples, agreements, losses),
        chance=chance_passes(cells),
    )


def loss_records(losses: Sequence[HeldOutLoss]) -> list[Record]:
    """Return every transformer's held-out loss."""
    return [
        Result(
            name="cross_entropy",
            value=each.nats,
            unit="nats",
            better="lower",
            n=each.documents,
            interval=(each.low, each.high),
            of={"width": each.width, "seed": each.seed, "over": "held-out documents"},
        )
        for each in losses
    ]


def cell_records(
    settings: SmallSettings, cells: Mapping[Subject, Sequence[Cell]]
) -> list[Record]:
    """Return every figure of every size and fit, for each width its mean over seeds."""
    records: list[Record] = []
    for width in settings.subject.widths:
        own = {each: found for each, found in cells.items() if each[0] == width}
        for place, cell in enumerate(next(iter(own.values()))):
            of: Of = {"width": width, "fit": FITS[cell.fit], "num_atoms": cell.atoms}
            for name, read in FIGURES.items():
                if cell.next is None and read(cell) is None:
                    continue  # the largest has no larger one
                values = {each: read(found[place]) for each, found in own.items()}
                records.append(figure(name, values, of))
    return records
