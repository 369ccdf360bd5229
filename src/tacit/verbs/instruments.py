"""What is known of the instruments that a report used: the block that stands beside their use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tacit import __version__
from tacit.base.pages import Table, Text
from tacit.calibrations.calibration_row import CalibrationRow
from tacit.calibrations.known import known, nearest
from tacit.verbs.calibrated_tables import HEADINGS, row_in_words
from tacit.verbs.cards import write_table

TABLE = "artifacts/instruments.parquet"
CONTROL = "random weights"
"""The instrument that tries others on a model that has learned nothing."""
CONTROLLED = {"agreement": "f1", "probe": "probe_accuracy"}
"""Their figures there."""


def instruments_table(
    names: Sequence[str], artifacts: Path, *, sizes: Mapping[str, int] | None = None
) -> Table | Text:
    """Write the table of what is known of instruments, at the sizes nearest to those used.

    ``sizes``: of some of them, in each one's own unit; of the others the largest is told. Where
    nothing is known of any, a text says so.
    """
    used = sizes or {}
    asked = list(dict.fromkeys(names))
    rows = [row for name in asked for row in _known(name, used.get(name))]
    if not rows:
        return Text(
            text=f"How far {', '.join(asked)} can be trusted is not known: no error rates ship "
            "with this version. `tacit calibrate` finds those of `tacit list instruments`."
        )
    write_table(artifacts.parent / TABLE, [row_in_words(row) for row in rows])
    missing = [name for name in asked if not known(name)]
    return Table(
        table=TABLE,
        columns=(
            ("instrument", "instrument"),
            ("figure", "figure"),
            ("size", "at size"),
            ("unit", "of"),
            *HEADINGS.items(),
        ),
        title="How far these instruments can be trusted",
        caption="Where the truth was planted: how often each tells what is there (power) and what "
        "is not (false alarms), and how often its interval holds the true value (coverage; .95 is "
        f"right). {_made_by({row.version for row in rows})}"
        + (f" Not calibrated: {', '.join(missing)}." if missing else ""),
    )


def _known(name: str, size: int | None) -> list[CalibrationRow]:
    """Return an instrument's rows, and those of its figure on a model of random weights."""
    rows = [*nearest(known(name), size)]
    figure = CONTROLLED.get(name)
    return rows + [row for row in nearest(known(CONTROL), size) if row.figure == figure]


def _made_by(versions: set[str]) -> str:
    """Return by which version the numbers were made, and whether it is another one."""
    told = f"Found by version {', '.join(sorted(versions))}"
    return f"{told}." if versions == {__version__} else f"{told}; this is {__version__}."
