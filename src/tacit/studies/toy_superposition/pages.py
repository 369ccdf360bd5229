"""The pages of the toy study: maps of the grid, proxies beside the truth, the two starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tacit.base.pages import Block, Heatmap, Limits, Opening, Page, Plot, Table
from tacit.base.records import Record, Result
from tacit.studies.toy_superposition.cells import Cell
from tacit.studies.toy_superposition.proxies import PROXIES
from tacit.studies.toy_superposition.settings import ToySettings
from tacit.studies.toy_superposition.starts import Reading

Rows = list[dict[str, Any]]
MAPS: tuple[tuple[str, str, Callable[[Cell], float | None], str], ...] = (
    ("mmcs", "MMCS with the true features", lambda cell: cell.mmcs,
     "Mean over true features of the best cosine of any atom; 1 is full recovery."),
    ("excess", "MMCS above random directions", lambda cell: cell.mmcs - cell.floor,
     "The same less what as many random directions reach."),
    ("recall", "True features found", lambda cell: cell.recall,
     "Share of true features matched one to one by an atom at a cosine above .9."),
    ("precision", "Atoms that are true", lambda cell: cell.precision,
     "Share of atoms matched one to one by a true feature at a cosine above .9; with more atoms "
     "than features it cannot be 1."),
    ("dead", "Dead atoms", lambda cell: float(cell.dead),
     "Atoms that never fired on fresh samples."),
    ("larger", "Similarity with the next larger dictionary", lambda cell: cell.larger,
     "Mean over atoms of the best cosine with the next larger size at the same alpha; the largest "
     "size has none."),
    ("larger_matched", "The same, one to one", lambda cell: cell.larger_matched,
     "As above, with each atom of the larger dictionary used once."),
    ("twin", "Agreement with another seed", lambda cell: cell.twin,
     "Mean matched cosine with the same cell trained from another start on the same data."),
    ("fvu", "FVU", lambda cell: cell.fvu,
     "Share of variance unexplained on fresh samples; above 1 is worse than the mean."),
    ("l0", "L0", lambda cell: cell.l0,
     "Active atoms a sample; the data has as many features a sample as the world says."),
)  # fmt: skip
"""Name, title, figure and caption of each map."""


def pages_of(
    settings: ToySettings,
    partial: Path,
    records: Sequence[Record],
    worlds: Mapping[int, Sequence[Cell]],
    starts: Mapping[int, Sequence[Reading]],
) -> list[Page]:
    """Write the tables that the pages draw, and return the pages."""
    artifacts = partial / "artifacts"
    _write(artifacts / "map.parquet", _map_rows(settings, worlds))
    _write(artifacts / "bands.parquet", _band_rows(settings, worlds))
    _write(artifacts / "proxies.parquet", _proxy_rows(records))
    _write(artifacts / "starts.parquet", _start_rows(starts))
    return [
        Page(
            title="Which cells find the features?",
            blocks=(_opening(settings), *_maps(), _bands(), _limits(settings)),
        ),
        Page(title="Can one tell without the truth?", blocks=(_proxies(),)),
        Page(title="Does it help to start from data?", blocks=(_starts(settings),)),
    ]


def _write(path: Path, rows: Rows) -> None:
    parquet.write_table(pa.Table.from_pylist(rows), path)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _map_rows(settings: ToySettings, worlds: Mapping[int, Sequence[Cell]]) -> Rows:
    return [
        {"size": size, "alpha": alpha}
        | {
            name: _mean([figure(cells[place]) for cells in worlds.values()])
            for name, _, figure, _ in MAPS
        }
        for place, (size, alpha) in enumerate(settings.cells().values())
    ]


def _band_rows(settings: ToySettings, worlds: Mapping[int, Sequence[Cell]]) -> Rows:
    bands: tuple[tuple[str, Callable[[Cell], float]], ...] = (
        ("most frequent", lambda cell: cell.mmcs_common),
        ("the rest of the first half", lambda cell: cell.mmcs_middle),
        ("rarer half", lambda cell: cell.mmcs_rare),
    )
    return [
        {
            "price": settings.price(size, alpha),
            "mmcs": _mean([band(cells[place]) for cells in worlds.values()]),
            "band": f"{size:,} atoms, {name}",
        }
        for place, (size, alpha) in enumerate(settings.cells().values())
        if size == max(settings.sizes)
        for name, band in bands
    ]


def _proxy_rows(records: Sequence[Record]) -> Rows:
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        if "proxy" not in getattr(record, "of", {}):
            continue
        name = str(record.of["proxy"])  # type: ignore[union-attr]
        words = PROXIES[name].words if name in PROXIES else "what luck would lose"
        row = rows.setdefault(name, {"proxy": name, "chooses": words})
        found = isinstance(record, Result)
        row[record.name] = record.value if found else None  # type: ignore[union-attr]
        ends = record.interval if found and record.interval else None
        row[f"{record.name}_interval"] = (  # type: ignore[union-attr]
            f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else None
        )
    whole = ("mmcs_lost", "rank_correlation")
    keys = [f"{name}{end}" for name in whole for end in ("", "_interval")]
    return [
        {**dict.fromkeys(keys), **row}
        for row in sorted(
            rows.values(), key=lambda row: (row["mmcs_lost"] is None, row["mmcs_lost"])
        )
    ]


def _start_rows(starts: Mapping[int, Sequence[Reading]]) -> Rows:
    gathered: dict[tuple[int, str], list[float]] = {}
    for readings in starts.values():
        for each in readings:
            gathered.setdefault((each.step, each.start), []).append(each.mmcs)
    return [
        {"step": step, "start": f"from {start}", "mmcs": sum(values) / len(values)}
        for (step, start), values in gathered.items()
    ]


def _opening(settings: ToySettings) -> Opening:
    world = settings.world
    return Opening(
        title="Which settings recover the true features, and which figures can tell?",
        setting=(
            f"A world of {world.num_features:,} unit directions in {world.width} dimensions, of "
            f"which {world.num_active} are active in a sample, the commonest ones most often "
            f"(decay {world.decay:g}; correlations drawn once a {world.correlation}). ReLU "
            f"autoencoders of {len(settings.sizes)} sizes and {len(settings.penalties)} penalties "
            f"were fitted to one stream, {settings.steps:,} steps of {settings.batch} samples at a "
            f"learning rate of {settings.learning_rate:g}, twice each, on each of "
            f"{len(settings.seeds)} worlds.\n\nAlpha is the penalty of the published loss, mean "
            "squared error plus alpha times the summed activations"
            + (" over the number of atoms." if settings.convention == "divided" else
               ", here over the number of true features at every size.")
        ),
    )  # fmt: skip


def _maps() -> tuple[Block, ...]:
    return tuple(
        Heatmap(
            table="artifacts/map.parquet",
            row="size",
            column="alpha",
            value=name,
            row_label="atoms",
            column_label="alpha",
            title=title,
            caption=caption,
        )
        for name, title, _, caption in MAPS
    )


def _bands() -> Plot:
    return Plot(
        table="artifacts/bands.parquet",
        kind="line",
        x="price",
        y="mmcs",
        group="band",
        log_x=True,
        x_label="penalty with squared error summed over dimensions (alpha d / K)",
        y_label="MMCS",
        title="Frequent features are found first",
        caption="MMCS of the largest dictionaries by how often a feature fires: what separates "
        "cells is the rare ones.",
    )


def _proxies() -> Table:
    return Table(
        table="artifacts/proxies.parquet",
        columns=(
            ("proxy", "proxy"),
            ("chooses", "chooses the cell that is"),
            ("mmcs_lost", "MMCS lost"),
            ("mmcs_lost_interval", "95 % interval"),
            ("rank_correlation", "rank correlation"),
            ("rank_correlation_interval", "95 % interval"),
        ),
        title="What each figure would have cost",
        caption="MMCS of the best cell less that of the cell the figure chooses, and the rank "
        "correlation with MMCS over cells that have not collapsed; means over worlds.",
    )


def _starts(settings: ToySettings) -> Plot:
    return Plot(
        table="artifacts/starts.parquet",
        kind="line",
        x="step",
        y="mmcs",
        group="start",
        x_label="step",
        y_label="MMCS",
        title="Two starts of one cell",
        caption=f"{settings.start_size:,} atoms at alpha {settings.start_penalty:g}, from random "
        "directions and from data points; means over worlds.",
    )


def _limits(settings: ToySettings) -> Limits:
    items = [
        "A toy world: what chooses well here need not choose well in a language model.",
        "Proxies are compared over the cells of this grid; another grid gives other losses.",
        f"Bootstrap intervals over {len(settings.seeds)} worlds are narrower than they should be: "
        "with so few units they hold the true mean less often than 95 % of the time.",
    ]
    if settings.steps < 20_000:
        items.append(
            f"The published runs took 20,000 steps; these took {settings.steps:,}."
        )
    if settings.learning_rate != 1e-3:
        items.append(
            f"The published learning rate is 0.001; here it is {settings.learning_rate:g}."
        )
    return Limits(items=tuple(items))
