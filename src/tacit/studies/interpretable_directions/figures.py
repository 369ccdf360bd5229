"""The figures of a run: from the tables of its subjects and seeds to means with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from tacit.base.records import Gap, Record, Result
from tacit.studies.interpretable_directions.apostrophe import Word
from tacit.studies.interpretable_directions.curves import Curve, Ranking, of_curves
from tacit.studies.interpretable_directions.erasing import Erasure
from tacit.studies.interpretable_directions.everywhere import Shared
from tacit.studies.interpretable_directions.moments import MomentRow
from tacit.studies.interpretable_directions.settings import DirectionsSettings
from tacit.studies.interpretable_directions.steering import SteeredRow
from tacit.studies.interpretable_directions.substituting import Substituted
from tacit.studies.interpretable_directions.tracing import Trace
from tacit.studies.units import Of, over_units

Unit = tuple[str, int]
NO_RANK = "every effect is the same"
NEVER = "half of the prompts or more never come to a tenth"
NOT_ACTIVE = "not active in held-out text"
FIGURES: Mapping[str, Callable[[Curve], float | None]] = {
    "features_to_tenth": lambda curve: curve.features,
    "edit_to_tenth": lambda curve: curve.edit,
    "tenth_unreached": lambda curve: curve.unreached,
    "replacement_area": lambda curve: curve.area,
}
ERASED: Mapping[str, Callable[[Erasure], float | None]] = {
    "task_accuracy": lambda each: each.accuracy,
    "other_text_kl": lambda each: each.other_kl,
    "probe_accuracy": lambda each: each.linear,
}
OF_BASES: Mapping[str, Callable[[Substituted], float | None]] = {
    "l0": lambda each: each.l0,
    "fvu": lambda each: each.fvu,
    "live_share": lambda each: each.live,
    "cross_entropy": lambda each: each.loss,
}
OF_SHARED: Mapping[str, Callable[[Shared], float | None]] = {
    "close_share": lambda each: each.share,
}
OF_MOMENTS: Mapping[str, Callable[[MomentRow], float | None]] = {
    "moment_correlation": lambda each: each.correlation,
}
OF_WORDS: Mapping[str, Callable[[Word], float | None]] = {
    "f1": lambda each: each.f1,
    "token_purity": lambda each: each.purity,
    "ablation_rise": lambda each: each.follows,
}


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What every subject and seed wrote."""

    curves: Sequence[Curve]
    erasures: Sequence[Erasure]
    substituted: Sequence[Substituted]
    words: Sequence[Word]
    steered: Sequence[SteeredRow]
    moments: Sequence[MomentRow]
    traced: Sequence[Trace]
    everywhere: Sequence[Substituted]
    """The same as ``substituted``, at every layer and every MLP's output."""
    shared: Sequence[Shared]


def figure(
    settings: DirectionsSettings,
    name: str,
    values: Mapping[Unit, float | None],
    of: Of,
    missing: str = NEVER,
) -> Result | Gap:
    """Return the mean over subjects and seeds with its interval."""
    if not values:
        return Gap(name=name, reason="no subject and seed has it", of=dict(of))
    named = {f"{subject}-{seed}": value for (subject, seed), value in values.items()}
    seed = min(settings.seeds)
    units = "subjects and seeds"
    return over_units("directions", name, named, of, missing, units=units, seed=seed)


def by_unit(rows: Sequence[Any], **of: Any) -> dict[Unit, Any]:
    """Return the rows that are ``of`` these, by subject and seed."""
    return {
        (row.subject, row.seed): row
        for row in rows
        if all(getattr(row, key) == value for key, value in of.items())
    }


def perplexity(row: Substituted) -> float:
    """Return the perplexity with the reconstruction over that of the subject itself."""
    return math.exp(row.loss - row.clean)


def records_of(settings: DirectionsSettings, tables: Tables) -> list[Record]:
    """Return every figure of a run."""
    return [
        *curve_records(settings, tables.curves),
        *_records(settings, tables.erasures, ERASED, ("concept", "eraser")),
        *_records(settings, tables.substituted, OF_BASES, ("basis",)),
        *_records(settings, tables.words, OF_WORDS, ("arm",)),
        *_records(settings, tables.moments, OF_MOMENTS, ("basis", "moment")),
        *_records(settings, tables.everywhere, OF_BASES, ("subject", "site", "basis")),
        *_records(settings, tables.shared, OF_SHARED, ("subject", "site", "other")),
    ]


def curve_records(settings: DirectionsSettings, curves: Sequence[Curve]) -> list[Record]:
    """Return every figure of every basis under every ranking."""
    records: list[Record] = []
    for basis in dict.fromkeys(curve.basis for curve in curves):
        for ranking in get_args(Ranking):
            own = of_curves(curves, basis, ranking)
            of: Of = {"basis": basis, "ranking": ranking, "task": settings.task}
            records += [
                figure(settings, name, {u: read(c) for u, c in own.items()}, of)
                for name, read in FIGURES.items()
                if own
            ]
        own = of_curves(curves, basis, "each prompt")
        for at, name in ((0.0, "correlation"), (settings.halfway, "correlation_halfway")):
            rank = {unit: getattr(each, name) for unit, each in own.items()}
            told: Of = {"basis": basis, "of": "attribution", "at": at}
            records.append(figure(settings, "rank_correlation", rank, told, NO_RANK))
    return records


def _records(
    settings: DirectionsSettings,
    rows: Sequence[Any],
    figures: Mapping[str, Callable[[Any], float | None]],
    keys: tuple[str, ...],
) -> list[Record]:
    """Return figures over rows that agree in ``keys``; none where no row has a value."""
    records: list[Record] = []
    for told in dict.fromkeys(tuple(getattr(row, key) for key in keys) for row in rows):
        of = dict(zip(keys, told, strict=True))
        own = by_unit(rows, **of)
        for name, read in figures.items():
            values = {unit: read(each) for unit, each in own.items()}
            if any(value is not None for value in values.values()):
                records.append(figure(settings, name, values, of, NOT_ACTIVE))
    return records
