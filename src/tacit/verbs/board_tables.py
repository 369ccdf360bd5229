"""The tables of a board: a row for each measured dictionary, a column for each main figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacit.base.records import Gap, Record, Result
from tacit.evaluations.suite import MEASURES
from tacit.metrics.catalogue import METRICS
from tacit.reports.numbers import measured
from tacit.verbs.comparison_tables import words_of
from tacit.verbs.measured_tables import DICTIONARY, in_words

Of = Mapping[str, str | int | float]

MAIN: Mapping[str, tuple[tuple[str, Of], ...]] = {
    "fidelity": (("l0", {}), ("fvu", {})),
    "loss": (("loss_recovered", {"against": "zero"}),),
    "probing": (
        ("sparse_probe_accuracy", {"probe_k": 1}),
        ("sparse_probe_accuracy", {"probe_k": 5}),
    ),
    "perturbation": (("targeted_perturbation", {"atoms": 5}),),
    "spurious": (("spurious_removed", {"atoms": 20}),),
    "unlearning": (("forgotten_at_price", {"way": "dictionary", "atoms": 20}),),
    "steering": (("steered_share", {"way": "feature"}),),
    "stability": (("shared_cosine", {"twin": "seed"}),),
    "explanations": (("explanation_correlation", {"explainer": "lexical"}),),
}
"""Figures and their coordinates that stand for a measure; else its first figure does."""


_SHORT = {"l0": "L0", "fvu": "FVU"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure that the board shows."""

    measure: str
    figure: str
    of: Of
    """What tells it from others of its name."""

    @property
    def key(self) -> str:
        """Its name in the tables."""
        return " ".join([self.figure, *(f"{k} {v}" for k, v in self.of.items())])

    @property
    def heading(self) -> str:
        """Return the figure in words, with an arrow to its better side."""
        arrow = {"higher": " ↑", "lower": " ↓"}.get(METRICS[self.figure].direction, "")
        setting = f" ({in_words(self.of, ())})" if self.of else ""
        words = _SHORT.get(self.figure, self.figure)
        return f"{words}{setting}{arrow}".replace("_", " ")


COLUMNS = tuple(
    Column(measure=name, figure=figure, of=of)
    for name, kind in MEASURES.items()
    for figure, of in MAIN.get(name, ((kind.figures[0], {}),))
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """A finished measure run."""

    name: str
    """Its folder below that of the board."""
    folder: Path
    manifest: Mapping[str, Any]
    records: tuple[Record, ...]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """What was measured, and how."""
        return self.manifest["configuration"]

    @property
    def place(self) -> tuple[str, str, str]:
        """What must be the same for rows to stand in one table: model, its weights, site."""
        own = self.configuration
        return own["subject"], own["subject_digest"], own["site"]

    @property
    def text(self) -> str:
        """What it was measured on, in a word."""
        settings = self.configuration["settings"]
        if settings["text"] is not None:
            return str(settings["text"]["source"])
        return "usual text" if settings["store"] is None else Path(settings["store"]).name

    def bases(self) -> tuple[str, ...]:
        """Return the baselines that were measured beside."""
        told = [each.of.get("basis") for each in self.records if isinstance(each, Result)]
        return tuple(
            dict.fromkeys(str(each) for each in told if each not in (None, DICTIONARY))
        )

    def figure(self, column: Column, basis: str = DICTIONARY) -> Result | Gap:
        """Return what stands under a column, or why nothing does."""
        own = {"measure": column.measure, "basis": basis}
        reasons: list[str] = []
        for each in self.records:
            if isinstance(each, Result | Gap) and each.name == column.figure:
                if not own.items() <= each.of.items():
                    continue
                if isinstance(each, Gap):
                    reasons.append(each.reason)
                elif column.of.items() <= each.of.items():
                    return each
                else:
                    reasons.append(
                        "it was measured with other settings than the board shows"
                    )
        reason = reasons[0] if reasons else f"the run did not measure {column.measure}"
        of = {**self.configuration["of"], **own, **column.of}
        return Gap(name=column.figure, reason=reason, of=of)


def records_of(rows: Sequence[Row]) -> list[Record]:
    """Return all that the board shows of the dictionaries; its coordinates name run and place."""
    found: list[Record] = []
    for row in rows:
        subject, _, site = row.place
        at = {"run": row.name, "subject": subject, "site": site}
        for column in COLUMNS:
            own = row.figure(column)
            of = {**at, **own.of}
            if isinstance(own, Gap):
                found.append(Gap(name=own.name, reason=own.reason, of=of))
            else:
                found.append(_placed(own, of))
    return found


def _placed(own: Result, of: Of) -> Result:
    return Result(
        name=own.name,
        value=own.value,
        unit=own.unit,
        better=own.better,
        n=own.n,
        interval=own.interval,
        of=of,
    )


def columns_of(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns under which any of the rows has a value."""
    return tuple(
        column
        for column in COLUMNS
        if any(isinstance(row.figure(column), Result) for row in rows)
    )


def dictionary_rows(rows: Sequence[Row], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return a row for each dictionary: what it is, its figures, and how to make them again."""
    found = []
    for row in rows:
        of = row.configuration["of"]
        found.append(
            {
                "name": row.name,
                "method": of["method"],
                "atoms": of["num_atoms"],
                "sparsity": _sparsity(of),
                "sparsity_order": of.get("k", of.get("penalty")),
                "seed": of["seed"],
                **_figures(row, columns, DICTIONARY),
                "text": row.text,
                "size": row.configuration["settings"]["size"],
                "command": row.manifest.get("command"),
            }
        )
    return found


def baseline_rows(rows: Sequence[Row], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return a row for each baseline beside each dictionary."""
    return [
        {"name": row.name, "basis": basis, **_figures(row, columns, basis)}
        for row in rows
        for basis in row.bases()
    ]


def gap_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return why a value is missing; runs that have one reason stand together."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for column in COLUMNS:
            own = row.figure(column)
            if isinstance(own, Gap):
                found.setdefault((column.heading, own.reason), []).append(row.name)
    return [
        {
            "figure": figure,
            "reason": reason,
            "runs": "all" if len(names) == len(rows) else ", ".join(names),
        }
        for (figure, reason), names in found.items()
    ]


def _sparsity(of: Of) -> str | None:
    told = [f"{key} {of[key]:g}" for key in ("k", "penalty") if key in of]
    return ", ".join(told) or None


def _figures(row: Row, columns: Sequence[Column], basis: str) -> dict[str, Any]:
    """Return each figure in words, and beside it the number that it is sorted by."""
    found: dict[str, Any] = {}
    for column in columns:
        own = row.figure(column, basis)
        is_there = isinstance(own, Result)
        found[column.key] = _words(own) if is_there else None
        found[f"{column.key} order"] = own.value if is_there else None
    return found


def _words(result: Result) -> str:
    return measured(result).value if result.interval is None else words_of(result)
