"""What a run says: a value, why there is none, or a published claim beside what was measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tacit.base.errors import UserError
from tacit.base.files import write_atomically

Better = Literal["lower", "higher", "neither"]
Judgement = Literal[
    "reproduced", "not reproduced", "inconclusive", "not testable at this scale"
]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measured number that can be read without the code that made it."""

    name: str
    """Metric name as in ``docs/metrics.md``."""
    value: float
    """Finite. What could not be measured is a ``Gap``, not a NaN and not a zero."""
    unit: str
    """SI symbol, ``nats``, ``tokens``, or ``1`` for a ratio or count."""
    better: Better
    n: int
    """Independent units behind the value: documents, seeds or models, not batches."""
    interval: tuple[float, float] | None
    """95 % interval over those units; None when n is 1 or nothing was sampled."""
    of: Mapping[str, str | int | float] = field(
        default_factory=dict[str, str | int | float]
    )
    """Coordinates: method, k, site, seed."""

    def __post_init__(self) -> None:
        assert math.isfinite(self.value), f"{self.name}: a Result is finite; file a Gap"
        if self.interval is not None:
            assert all(math.isfinite(end) for end in self.interval), self.name


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A number that is missing, and why."""

    name: str
    reason: str
    """Why there is no value, in words that a reader of the report can use."""
    of: Mapping[str, str | int | float] = field(
        default_factory=dict[str, str | int | float]
    )


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published statement beside what we measured."""

    published: str
    source: str
    rule: str
    """How the judgement follows from the number, written before the run."""
    measured: Result | Gap
    judgement: Judgement


Record = Result | Gap | Claim
_KINDS: dict[str, type[Result] | type[Gap]] = {"result": Result, "gap": Gap}


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as plain JSON, its kind beside its fields."""
    if isinstance(record, Claim):
        plain = {**asdict(record), "measured": to_json(record.measured)}
        return {"kind": "claim", **plain}
    return {"kind": type(record).__name__.lower(), **asdict(record)}


def from_json(plain: Mapping[str, Any]) -> Record:
    """Return the record that ``to_json`` wrote."""
    values = {key: value for key, value in plain.items() if key != "kind"}
    if plain["kind"] == "claim":
        return Claim(**{**values, "measured": from_json(values["measured"])})  # type: ignore[arg-type]
    if values.get("interval") is not None:
        values["interval"] = tuple(values["interval"])
    return _KINDS[plain["kind"]](**values)


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write ``results.json``: a list of records, whole or not at all."""
    write_atomically(
        path, json.dumps([to_json(record) for record in records], indent=1) + "\n"
    )


def read_records(path: Path) -> list[Record]:
    """Return the records of a ``results.json``."""
    try:
        return [from_json(plain) for plain in json.loads(path.read_text())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a results file of Tacit ({error}).") from error
