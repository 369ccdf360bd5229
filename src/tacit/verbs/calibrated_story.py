"""The pages of a calibration: a table of every number, and how power grows with size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tacit.base.pages import Limits, Opening, Page, Plot, Table, Text
from tacit.calibrations.calibration_row import CalibrationRow
from tacit.calibrations.instrument import Aspect
from tacit.calibrations.instruments import INSTRUMENTS
from tacit.verbs.calibrated_tables import HEADINGS, curve_rows, lack_rows, row_in_words
from tacit.verbs.cards import write_table

CURVES: dict[Aspect, tuple[str, str]] = {
    "power": (
        "How much text it takes",
        "Share of repetitions in which what was planted is told. Read off the size from which on "
        "an instrument that says nothing means that there is nothing.",
    ),
    "false_alarm_rate": (
        "False alarms",
        "Share of repetitions in which something is told where nothing was planted. Intervals at "
        "95 % promise .05.",
    ),
    "interval_coverage": (
        "Do intervals hold the truth?",
        "Share of printed 95 % intervals that do. Below .95 they are too narrow.",
    ),
}


def pages_of(rows: Sequence[CalibrationRow], repeats: int, artifacts: Path) -> list[Page]:
    """Write the tables under ``artifacts`` and return the pages that draw them."""
    write_table(artifacts / "calibration.parquet", [row_in_words(row) for row in rows])
    first = (_opening(rows, repeats), _table(), _what(rows), _limits())
    curves = [_curve(rows, aspect, artifacts) for aspect in CURVES]
    return [
        Page(title="At a glance", blocks=first),
        Page(title="By size of sample", blocks=tuple(each for each in curves if each)),
        Page(title="What is not told", blocks=(_lacks(rows, artifacts),)),
    ]


def _opening(rows: Sequence[CalibrationRow], repeats: int) -> Opening:
    names = list(dict.fromkeys(row.instrument for row in rows))
    which = names[0] if len(names) == 1 else f"{len(names)} instruments"
    return Opening(
        title=f"How far can {which} be trusted?",
        setting=f"Each was tried {repeats:,} times at each size where the truth is known, because "
        "it was planted; everything was drawn anew each time, seeds from 0. Power: how often it "
        "tells something that is there. False alarms: how often it tells something that is not. "
        "Coverage: how often its printed 95 % interval holds the true value. Bias: by how much "
        "the printed figure exceeds it, on average.",
    )


def _table() -> Table:
    return Table(
        table="artifacts/calibration.parquet",
        columns=(
            ("instrument", "instrument"),
            ("figure", "figure"),
            ("size", "size"),
            ("unit", "of"),
            *HEADINGS.items(),
            ("unmeasured", "no figure"),
        ),
        title="Every number",
        caption="With 95 % intervals over repetitions. Where a repetition gave no figure, nothing "
        "counts as told.",
    )


def _what(rows: Sequence[CalibrationRow]) -> Text:
    told = []
    for name, world in dict.fromkeys((row.instrument, row.world) for row in rows):
        told.append(
            f"{name}: {' '.join((INSTRUMENTS[name].__doc__ or '').split())} World: {world}."
        )
    return Text(text="\n\n".join(told))


def _curve(rows: Sequence[CalibrationRow], aspect: Aspect, artifacts: Path) -> Plot | None:
    points = curve_rows(rows, aspect)
    if not points:
        return None
    write_table(artifacts / f"{aspect}.parquet", points)
    title, caption = CURVES[aspect]
    return Plot(
        table=f"artifacts/{aspect}.parquet",
        kind="line",
        x="size",
        y="value",
        low="low",
        high="high",
        group="series",
        x_label="size of sample",
        y_label=HEADINGS[aspect],
        log_x=True,
        title=title,
        caption=caption,
    )


def _lacks(rows: Sequence[CalibrationRow], artifacts: Path) -> Any:
    found = lack_rows(rows)
    if not found:
        return Text(text="Nothing: every number is told of every figure.")
    write_table(artifacts / "lacks.parquet", found)
    return Table(
        table="artifacts/lacks.parquet",
        columns=(
            ("instrument", "instrument"),
            ("figure", "figure"),
            ("what", "what"),
            ("reason", "why"),
        ),
        title="Not told",
        caption="Each with its reason.",
    )


def _limits() -> Limits:
    return Limits(
        items=(
            "Planted worlds are simpler than models: features are single directions, concepts are "
            "independent, and the truth has no errors. Power on a model is likely to be lower.",
            "Power is that of the difference planted here; a smaller one needs more text.",
            "Coverage speaks of text and concepts drawn anew, not of another seed or model.",
        )
    )
