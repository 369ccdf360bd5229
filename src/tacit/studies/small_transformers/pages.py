"""The pages of the study: the transformers, what dictionaries agree on, and examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tacit.base.pages import Block, Page, Text
from tacit.base.records import Gap
from tacit.studies.small_transformers import blocks
from tacit.studies.small_transformers.cells import Agreement, Cell
from tacit.studies.small_transformers.examples import NUM_EXAMPLES, Example
from tacit.studies.small_transformers.figures import Cells, best_of, curve_of, figure
from tacit.studies.small_transformers.settings import CONTROLS, FITS, Fit, SmallSettings
from tacit.studies.small_transformers.subjects import HeldOutLoss
from tacit.studies.small_transformers.tables import table_path

Rows = list[dict[str, Any]]
SHOWN: tuple[Fit, ...] = ("main", *CONTROLS)
MOST_EXAMPLES = 24
CURVES: Mapping[str, Callable[[Cell], float]] = {
    "shared": lambda cell: cell.next.shared / cell.dims if cell.next else 0.0,
    "share": lambda cell: cell.next.shared_share if cell.next else 0.0,
    "matched": lambda cell: cell.next.matched if cell.next else 0.0,
    "l0": lambda cell: cell.l0,
    "fvu": lambda cell: cell.fvu,
}


def pages_of(
    settings: SmallSettings,
    partial: Path,
    cells: Cells,
    examples: Sequence[Example],
    agreements: Sequence[Agreement],
    losses: Sequence[HeldOutLoss],
) -> list[Page]:
    """Write the tables that the pages draw, and return the pages."""
    tables: Mapping[str, Rows] = {
        "losses": _loss_rows(settings, losses),
        "curves": _curve_rows(cells),
        "cosines": _cosine_rows(cells),
        "agreement": _agreement_rows(agreements),
        "examples": _example_rows(examples),
    }
    for name, rows in tables.items():
        parquet.write_table(pa.Table.from_pylist(rows), table_path(partial, name))
    shown: list[Block] = [blocks.examples()] if tables["examples"] else []
    if not shown:
        shown = [Text(text="No atom is shared between sizes: there is nothing to show.")]
    return [
        Page(
            title="Which transformers?",
            blocks=(
                blocks.opening(settings),
                blocks.losses(),
                blocks.limits(settings, losses),
            ),
        ),
        Page(
            title="Do sizes agree, and on how many directions?",
            blocks=(*blocks.curves(), blocks.histogram()),
        ),
        Page(title="Do dictionaries of one size agree?", blocks=(blocks.agreement(),)),
        Page(title="What activates shared features?", blocks=tuple(shown)),
    ]


def _loss_rows(settings: SmallSettings, losses: Sequence[HeldOutLoss]) -> Rows:
    return [
        {
            "transformer": f"width {each.width}, seed {each.seed}",
            "parameters": each.parameters,
            "nats": each.nats,
            "stated": settings.stated(each.width),
            "interval": f"{each.low:.3f} to {each.high:.3f}",
            "trigram": each.trigram,
            "unigram": each.unigram,
        }
        for each in losses
    ]


def _curve_rows(cells: Cells) -> Rows:
    """Return a row for each width, fit and size: means over seeds, the count's with ends."""
    rows: Rows = []
    for width in dict.fromkeys(width for width, _ in cells):
        own = {each: found for each, found in cells.items() if each[0] == width}
        for fit in SHOWN:
            curves = {each: curve_of(found, fit) for each, found in own.items()}
            for place, cell in enumerate(next(iter(curves.values()))):
                row: dict[str, Any] = {
                    "fit": f"width {width}, {FITS[fit]}",
                    "ratio": cell.ratio,
                }
                for name, read in CURVES.items():
                    values = {each: read(curve[place]) for each, curve in curves.items()}
                    found = figure("shared_per_dimension", values, {"curve": name})
                    assert not isinstance(found, Gap), "every size has a value"
                    row[name] = found.value
                    row[f"{name}_low"], row[f"{name}_high"] = found.interval or (None, None)
                rows.append(row)
    return rows


def _cosine_rows(cells: Cells) -> Rows:
    """Return the matched cosines at each transformer's best size, and the controls' there."""
    rows: Rows = []
    for found in cells.values():
        ratio = best_of(found)[0].ratio
        for fit in SHOWN:
            curve = curve_of(found, fit)
            near = min(curve, key=lambda cell: abs(cell.ratio - ratio), default=None)
            if near is not None and near.next is not None:
                rows += [
                    {"fit": FITS[fit], "cosine": cosine} for cosine in near.next.cosines
                ]
    return rows


def _agreement_rows(agreements: Sequence[Agreement]) -> Rows:
    rows: Rows = []
    for width in dict.fromkeys(each.width for each in agreements):
        for pair in dict.fromkeys(each.pair for each in agreements):
            for ratio in dict.fromkeys(each.ratio for each in agreements):
                own = {
                    (each.width, each.seed): each
                    for each in agreements
                    if (each.width, each.pair, each.ratio) == (width, pair, ratio)
                }
                cosines = {which: each.shared_cosine for which, each in own.items()}
                found = figure("shared_cosine", cosines, {"pair": pair, "ratio": ratio})
                assert not isinstance(found, Gap), "every pair has a value"
                low, high = found.interval or (None, None)
                shares = [each.shared_share for each in own.values()]
                rows.append(
                    {
                        "pair": f"width {width}, {pair}",
                        "ratio": ratio,
                        "cosine": found.value,
                        "low": low,
                        "high": high,
                        "share": sum(shares) / len(shares),
                    }
                )
    return rows


def _example_rows(examples: Sequence[Example]) -> Rows:
    """Return the first features of every transformer, so that each has some."""
    own = [
        each
        for each in examples
        if each.kind == "feature" and each.contexts == NUM_EXAMPLES
    ]
    subjects = list(dict.fromkeys((each.width, each.seed) for each in own))
    each_has = MOST_EXAMPLES // max(1, len(subjects))
    return [
        {
            "transformer": f"{width}, {seed}",
            "feature": each.feature,
            "label": each.label or "none",
            "label_share": each.label_share,
            "token": repr(each.token),
            "token_share": each.token_share,
            "shown": each.shown,
        }
        for width, seed in subjects
        for each in [e for e in own if (e.width, e.seed) == (width, seed)][:each_has]
    ]
