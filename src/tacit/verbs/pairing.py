"""The figures of what is compared, and how much each exceeds the reference's, unit by unit.

Axes: s seeds, n units (documents, labels), c sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from tacit.base.records import Gap, Record, Result
from tacit.base.seeds import stream
from tacit.metrics.hierarchy import crossed_bootstrap
from tacit.metrics.results import as_result
from tacit.verbs.contenders import Contender, Finished
from tacit.verbs.members import MAIN

READ_ALIKE = (
    "context_tokens",
    "windows",
    "prepend_bos",
    "high_norm_factor",
    "num_tokens",
)
"""What decides, with the text, which rows are held out and measured."""


@dataclass(frozen=True, kw_only=True)
class Sums:
    """A figure of one dictionary of one run, taken apart by unit."""

    units: tuple[Any, ...]
    """Names of the units, with what each weighs: equal where two figures are of the same text."""
    columns: Float[np.ndarray, "n c"]


Taken = Callable[[Finished, str], Sums | str]
"""From a run and a dictionary's name to a figure by unit, or to why there is none."""


def _fvu(run: Finished, name: str) -> Sums | str:
    return _by_document(run, name, "squared_error", "squared_spread")


def _l0(run: Finished, name: str) -> Sums | str:
    return _by_document(run, name, "num_fired", "num_rows")


def _by_document(run: Finished, name: str, top: str, bottom: str) -> Sums:
    units = run.units[name]
    kept = units["num_rows"] > 0
    document, weight = units["document"][kept], units["num_rows"][kept]
    return Sums(
        units=tuple(zip(document.tolist(), weight.tolist(), strict=True)),
        columns=np.stack([units[top][kept], units[bottom][kept]], axis=1),
    )


def _loss_recovered(run: Finished, name: str) -> Sums | str:
    units = run.units[name]
    kept = np.isfinite(units["loss_tokens"])
    if not kept.any():
        return f"{run.label} has no losses: its model predicts no next token"
    zero, clean = units["loss_zero"][kept], units["loss_clean"][kept]
    if zero.sum() <= clean.sum():
        return f"in {run.label} zero ablation does not raise the loss"
    document, weight = units["document"][kept], units["loss_tokens"][kept]
    return Sums(
        units=tuple(zip(document.tolist(), weight.tolist(), strict=True)),
        columns=np.stack([zero - units["loss_rebuilt"][kept], zero - clean], axis=1),
    )


def _dead_share(run: Finished, name: str) -> Sums | str:
    found = run.recorded("dead_share", run.coordinates[name])
    assert isinstance(found, Result), "every run records the dead share of its dictionaries"
    seen = found.of["tokens_seen"]
    return Sums(units=(("tokens seen", seen),), columns=np.array([[found.value, 1.0]]))


def _f1(run: Finished, name: str) -> Sums | str:
    if name != MAIN:
        return "only a run's main dictionary is matched with labels"
    if run.f1 is None:
        return f"{run.label} knows no truth about its text"
    values = np.array(list(run.f1.values()))
    return Sums(
        units=tuple(run.f1), columns=np.stack([values, np.ones(len(values))], axis=1)
    )


FIGURES: Mapping[str, Taken] = {
    "fvu": _fvu,
    "l0": _l0,
    "loss_recovered": _loss_recovered,
    "dead_share": _dead_share,
    "f1": _f1,
}
"""What is compared: each is a ratio of two sums over its units."""
AT: Mapping[str, Mapping[str, str]] = {
    "fvu": {"positions": "usable"},
    "l0": {"positions": "usable"},
    "loss_recovered": {"positions": "usable", "against": "zero"},
    "dead_share": {"positions": "usable"},
    "f1": {"of": "best features"},
}
"""Coordinates under which a run records the figure."""


def figure_of(contender: Contender, figure: str, seed: int) -> Record | None:
    """Return a figure: the run's own record, or the mean over pooled seeds with its interval.

    None where it is not told of such a dictionary: F1 is the main one's alone.
    """
    of = contender.of
    if figure == "f1" and contender.name != MAIN:
        return None
    if len(contender.runs) > 1:
        taken = _taken(contender, figure)
        if isinstance(taken, str):
            return Gap(name=figure, reason=taken, of=of)
        rng = stream(seed, f"verbs/compare/{contender.key}/{figure}")
        return as_result(figure, crossed_bootstrap(taken[1], None, _ratio, rng), of)
    run = contender.first
    own = {} if figure == "f1" else run.coordinates[contender.name]
    found = run.recorded(figure, {**own, **AT[figure]})
    found = found or run.recorded(figure, own)  # a gap has fewer coordinates
    assert found is not None, f"{run.label} has no {figure} of {contender.name}"
    return _renamed(found, figure, of)


def _renamed(found: Result | Gap, name: str, of: Mapping[str, str | int | float]) -> Record:
    if isinstance(found, Gap):
        return Gap(name=name, reason=found.reason, of=of)
    return Result(**{**vars(found), "of": of})


def difference_of(
    contender: Contender, reference: Contender, figure: str, seed: int
) -> Record | None:
    """Return how much a figure exceeds the reference's, paired unit by unit, or why not.

    None where the figure is not told of either dictionary.
    """
    of = {**contender.of, "minus": reference.key}
    name = f"{figure}_difference"
    if figure == "f1" and contender.name != MAIN:
        return None
    reason = why_apart(contender, reference)
    first, second = _taken(contender, figure), _taken(reference, figure)
    if reason is None and isinstance(first, str):
        reason = first
    if reason is None and isinstance(second, str):
        reason = second
    if reason is not None or isinstance(first, str) or isinstance(second, str):
        return Gap(name=name, reason=reason or "", of=of)
    if first[0] != second[0]:
        reason = "they were measured on other held-out " + (
            "labels" if figure == "f1" else "documents or windows"
        )
        return Gap(name=name, reason=reason, of=of)
    several = len(contender.runs) > 1 and contender.seeds == reference.seeds
    found = crossed_bootstrap(
        first[1],
        second[1],
        _ratio,
        stream(seed, f"verbs/compare/{contender.key}/{reference.key}/{figure}"),
        in_pairs=several,
    )
    return as_result(name, found, of)


def why_apart(contender: Contender, reference: Contender) -> str | None:
    """Return why a difference between two dictionaries would mean nothing, or None."""
    one, other = contender.first, reference.first
    if one.read["subject_digest"] != other.read["subject_digest"]:
        return (
            f"they are of two models, {one.read['subject']} and {other.read['subject']}"
            if one.read["subject"] != other.read["subject"]
            else f"they are of two models called {one.read['subject']} whose weights differ"
        )
    if one.site != other.site:
        return f"they are of two sites, {one.site} and {other.site}"
    if one.read["text_digest"] != other.read["text_digest"]:
        return (
            f"they did not read the same text: {one.read['text']} and {other.read['text']}"
        )
    for name in READ_ALIKE:
        if one.read.get(name) != other.read.get(name):
            return (
                f"they did not read the text alike: {name} is {one.read.get(name)} in {one.label} "
                f"and {other.read.get(name)} in {other.label}"
            )
    return None


def _taken(
    contender: Contender, figure: str
) -> tuple[tuple[Any, ...], Float[np.ndarray, "s n c"]] | str:
    """Return the units and the sums of every seed, or why there are none."""
    columns: list[np.ndarray] = []
    units: tuple[Any, ...] = ()
    for run in contender.runs:
        found = FIGURES[figure](run, contender.name)
        if isinstance(found, str):
            return found
        if columns and found.units != units:
            return f"the seeds of {contender.key} were measured on different units"
        units = found.units
        columns.append(found.columns)
    return units, np.stack(columns)


def _ratio(sums: Float[np.ndarray, "r c"]) -> Float[np.ndarray, " r"]:
    """Return the ratio of the sums; none where a resample turns the sign of the second."""
    return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)
