"""The tables of a comparison: every dictionary with its figures, its atoms, its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tacit.base.records import Gap, Record, Result
from tacit.reports.numbers import measured
from tacit.verbs.contenders import ONLY_SHOWN, Contender, Finished
from tacit.verbs.frontier import in_words, shown_name
from tacit.verbs.members import MAIN
from tacit.verbs.pairing import FIGURES


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that a comparison found, on its way to the page."""

    runs: Sequence[Finished]
    contenders: Sequence[Contender]
    reference: Contender
    records: Sequence[Record]


def record_of(
    records: Sequence[Record], name: str, key: str, **of: str
) -> Result | Gap | None:
    """Return the record of one dictionary under one name, the first whose coordinates fit."""
    for record in records:
        if (
            isinstance(record, Result | Gap)
            and record.name == name
            and {"dictionary": key, **of}.items() <= record.of.items()
        ):
            return record
    return None


def rows_of(found: Comparison) -> list[dict[str, Any]]:
    """Return a row for each dictionary: every figure and its difference, as numbers and words."""
    rows = []
    groups = {contender.first.label for contender in found.contenders}
    for contender in found.contenders:
        of = contender.of
        name = shown_name(of["method"])
        label = contender.first.label
        row: dict[str, Any] = {
            "dictionary": contender.key,
            "words": in_words(of),
            "series": f"{name}, {label}" if len(groups) > 1 else name,
            "setting": ", ".join(
                [name, *(f"{key} {of[key]:g}" for key in ("k", "penalty") if key in of)]
            ),
            "is_main": contender.name == MAIN,
            "num_atoms": of["num_atoms"],
            "num_seeds": len(contender.runs),
        }
        for figure in FIGURES:
            for column in (figure, f"{figure}_difference"):
                record = record_of(found.records, column, contender.key)
                row |= _cells(column, record)
            if contender is found.reference:
                row[f"{figure}_difference_words"] = "the reference"
        rows.append(row)
    return sorted(rows, key=lambda row: (row["series"], row["l0"]))


def _cells(column: str, record: Result | Gap | None) -> dict[str, Any]:
    ends = record.interval if isinstance(record, Result) else None
    low, high = ends or (None, None)
    return {
        column: record.value if isinstance(record, Result) else None,
        f"{column}_low": low,
        f"{column}_high": high,
        f"{column}_n": record.n if isinstance(record, Result) else None,
        f"{column}_words": words_of(record),
    }


def words_of(record: Result | Gap | None) -> str:
    """Return a result with its interval, e.g. ``0.12 (0.11 to 0.13)``, or that there is none."""
    if not isinstance(record, Result):
        return "" if record is None else "not comparable: see what is missing"
    told = measured(record)
    ends = told.interval.removeprefix("95 % interval ")
    return f"{told.value} ({ends})"


def atom_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return a row for each matching of atoms, with that of random directions beside it."""
    rows = []
    for contender in found.contenders:
        for partner in (found.reference.key, "its other seeds"):
            cosine, share = (
                record_of(found.records, name, contender.key, **{"with": partner})
                for name in ("shared_cosine", "shared_above_0.9")
            )
            if cosine is None:
                continue
            random = [
                record_of(
                    found.records,
                    name,
                    contender.key,
                    **{"with": partner, "atoms": "random"},
                )
                for name in ("shared_cosine", "shared_above_0.9")
            ]
            rows.append(
                {
                    "dictionary": contender.key,
                    "with": partner,
                    "same_seed": cosine.of.get("same_seed"),
                    "cosine": words_of(cosine),
                    "share": words_of(share),
                    "random_cosine": words_of(random[0]),
                    "random_share": words_of(random[1]),
                }
            )
    return rows


def run_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return a row for each run: what it read, and how it differs from the reference's."""
    first = found.reference.first
    pools = {run.label: c.first.label for c in found.contenders for run in c.runs}
    return [
        {
            "run": run.label,
            "model": run.read["subject"],
            "site": run.site,
            "text": run.read["text"],
            "tokens": run.read["num_tokens"],
            "seed": run.seed,
            "pooled": "" if pools[run.label] == run.label else pools[run.label],
            "differs": _differs(run, first),
        }
        for run in found.runs
    ]


def _differs(run: Finished, first: Finished) -> str:
    """Return the settings in which a run is not the reference's, e.g. ``fit.k 8``."""

    def leaves(values: Any, path: str) -> dict[str, Any]:
        if not isinstance(values, dict) or not values:
            return {path: values}
        return {
            name: leaf
            for key, value in values.items()
            for name, leaf in leaves(value, f"{path}.{key}".lstrip(".")).items()
        }

    own, other = leaves(run.settings, ""), leaves(first.settings, "")
    skipped = {*ONLY_SHOWN, "model", "site", "text.source"}
    told = [f"{name} {own[name]}" for name in own if own[name] != other.get(name)]
    return ", ".join(each for each in told if each.split()[0] not in skipped)
