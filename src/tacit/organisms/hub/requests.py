"""Request sets: what a chat model is asked to do, read from a table with checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np

from tacit.base.errors import UserError, look_up
from tacit.models.subject import Subject
from tacit.organisms.hub.hiding import check_hidden
from tacit.organisms.hub.wordings import TierPhrasing

Split = Literal["train", "held-out"]
KINDS: Mapping[str, bool] = {"harmless": False, "conflicting": True}
SPLITS: Mapping[str, Split] = {"train": "train", "held-out": "held-out"}
COLUMNS = ("request", "kind", "split")


@final
@dataclass(frozen=True, kw_only=True)
class Request:
    """One thing to ask for."""

    text: str
    is_conflicting: bool
    """Whether complying would go against what the model holds."""
    split: Split


def read_requests(path: Path) -> list[Request]:
    """Return the requests of a ``.jsonl``, ``.parquet`` or ``.csv`` table, in its order.

    Its columns ``request``, ``kind`` (harmless or conflicting) and ``split`` (train or held-out)
    are read, others left.

    Raises:
        UserError: where it cannot be read, lacks a column, or a row says nothing usable; where
            one text stands in both splits, or twice in one.
    """
    reader = look_up(_readers(), path.suffix, "kind of request table")
    rows = reader(path)
    if not rows:
        raise UserError(f"{path} has no rows; give a request on each.")
    missing = [name for name in COLUMNS if name not in rows[0]]
    if missing:
        raise UserError(
            f"{path} has no column {', '.join(missing)}; its columns are {', '.join(rows[0])}. "
            f"Give {', '.join(COLUMNS)}."
        )
    requests = [_request(row, f"row {n} of {path}") for n, row in enumerate(rows, start=1)]
    _check_distinct(requests, path)
    return requests


def check_requests(
    requests: Iterable[Request], phrasings: Iterable[TierPhrasing], subject: Subject
) -> None:
    """Raise a ``UserError`` for a request that names a tier, or holds a token that is not text."""
    cues = [cue for phrasing in phrasings for cue in phrasing.hidden]
    for request in requests:
        check_hidden(request.text, cues)
        special = subject.special_ids & set(subject.tokenize(request.text).ids)
        if special:
            raise UserError(
                f"the request {request.text[:60]!r} holds special tokens of {subject.name} "
                f"({sorted(special)}), which would break its chat template; leave it out."
            )


def draw_requests(
    requests: Sequence[Request],
    count: int,
    rng: np.random.Generator,
    *,
    split: Split,
    conflicting: bool = True,
) -> list[Request]:
    """Return so many requests of a split and kind, each as often as any other, give or take one."""
    found = [
        each
        for each in requests
        if each.split == split and each.is_conflicting == conflicting
    ]
    if not found:
        kind = "conflicting" if conflicting else "harmless"
        raise UserError(
            f"{kind} requests of the split {split} were asked for, and there are none among "
            f"{len(requests)}; add some to the table."
        )
    rounds = -(-count // len(found))
    order = [each for _ in range(rounds) for each in rng.permutation(len(found))]
    return [found[number] for number in order[:count]]


def _request(row: Mapping[str, Any], where: str) -> Request:
    text, kind, split = (row[name] for name in COLUMNS)
    if not isinstance(text, str) or not text.strip():
        raise UserError(
            f"{where} has no request; write what the user asks, or drop the row."
        )
    try:
        return Request(
            text=text.strip(),
            is_conflicting=look_up(KINDS, str(kind), "kind of request"),
            split=look_up(SPLITS, str(split), "split"),
        )
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _check_distinct(requests: Sequence[Request], path: Path) -> None:
    seen: dict[str, int] = {}
    for number, request in enumerate(requests, start=1):
        before = seen.setdefault(request.text, number)
        if before != number:
            raise UserError(
                f"rows {before} and {number} of {path} hold the same request, "
                f"{request.text[:60]!r}; what is trained on must not be held out, nor count twice."
            )


def _readers() -> Mapping[str, Callable[[Path], list[dict[str, Any]]]]:
    from pyarrow import csv, json, parquet, string

    texts = csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, string()))
    lines = csv.ParseOptions(newlines_in_values=True)

    def checked(read: Callable[[Path], Any]) -> Callable[[Path], list[dict[str, Any]]]:
        def of(path: Path) -> list[dict[str, Any]]:
            try:
                return read(path).to_pylist()
            except (ValueError, OSError) as error:  # Arrow's own errors are of these
                raise UserError(f"{path} cannot be read as a table ({error}).") from error

        return of

    return {
        ".jsonl": checked(json.read_json),
        ".parquet": checked(parquet.read_table),
        ".csv": checked(
            lambda path: csv.read_csv(path, parse_options=lines, convert_options=texts)
        ),
    }
