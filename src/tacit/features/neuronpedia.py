"""Explanations as Neuronpedia exchanges them: a JSON object each, a line each, in batches.

Fields after Neuronpedia's own export (hijohnnylin/neuronpedia, export-data.py of
utils/neuronpedia-utils, and the models Explanation and ExplanationScore of schema.prisma): its
public files are ``v1/MODEL/SOURCE/explanations/batch-N.jsonl.gz``. A source, kept in the field
``layer``, names a dictionary of the model, such as ``6-res-jb``.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from tacit.base.errors import UserError
from tacit.base.files import write_atomically

BATCH = 1_024
"""Explanations of one file of a folder, as in Neuronpedia's export."""
_GZIP = b"\x1f\x8b"
_FIELDS = {
    "model": "modelId",
    "source": "layer",
    "feature": "index",
    "text": "description",
    "kind": "typeName",
    "explainer": "explanationModelName",
    "scores": "scores",
}
_NEEDED = ("modelId", "layer", "index", "description")
_SCORE_FIELDS = {
    "value": "value",
    "kind": "explanationScoreTypeName",
    "scorer": "explanationScoreModelName",
}


@final
@dataclass(frozen=True, kw_only=True)
class ExchangedScore:
    """A score of an explanation; the website gives them, its batches leave them out."""

    value: float
    kind: str
    """How it was scored: ``recall_alt``, ``eleuther_fuzz``."""
    scorer: str
    """Name of the model that scored."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields that Tacit gives no meaning, as they came."""


@final
@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """An explanation of one feature of one of Neuronpedia's dictionaries."""

    model: str
    """Name of the model there: ``gpt2-small``."""
    source: str
    """Name of the dictionary there."""
    feature: int
    text: str
    kind: str | None = None
    """How it was made: ``oai_token-act-pair``."""
    explainer: str | None = None
    """Name of the model that explained."""
    scores: tuple[ExchangedScore, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields that Tacit gives no meaning, as they came: id, authorId, embedding, umap_x."""


def write_exchanged(path: Path, explanations: Sequence[Exchanged]) -> list[Path]:
    """Write explanations, and return the files: equal bytes for equal explanations.

    A name that ends in ``.jsonl`` or ``.jsonl.gz`` is one file; any other is a folder, of
    ``batch-N.jsonl.gz`` with at most ``BATCH`` explanations each.

    Raises:
        UserError: where the folder holds batches already.
    """
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        batches = {path: explanations}
    else:
        there = _batches(path)
        if there:
            raise UserError(
                f"{path} was asked for and holds {there[0].name}; choose another folder, or "
                "delete its batches."
            )
        batches = {
            path / f"batch-{number}.jsonl.gz": explanations[first : first + BATCH]
            for number, first in enumerate(range(0, len(explanations), BATCH))
        }
    for file, some in batches.items():
        content = "".join(json.dumps(_plain(each)) + "\n" for each in some).encode()
        file.parent.mkdir(parents=True, exist_ok=True)
        # Without the time of writing, which gzip keeps otherwise.
        is_packed = file.suffix == ".gz"
        write_atomically(file, gzip.compress(content, mtime=0) if is_packed else content)
    return list(batches)


def read_exchanged(
    path: Path, *, model: str, source: str, num_features: int
) -> list[Exchanged]:
    """Return the explanations of a file or of a folder's batches, in their order.

    A file has an object a line, or one list of them as the website's interface gave it, packed
    by gzip or not.

    Raises:
        UserError: where a line is no explanation, or is of another model or dictionary than
            ``source`` of ``model``, or of a feature that a dictionary of ``num_features`` lacks.
    """
    files = _batches(path) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise UserError(
            f"explanations were asked for from {path}; there is no such file, and no folder with "
            "batch-0.jsonl.gz and its like. Give what Neuronpedia's export gave."
        )
    found = []
    for file in files:
        for place, plain in _objects(file):
            each = _exchanged(plain, place)
            if (each.model, each.source) != (model, source):
                raise UserError(
                    f"explanations of {model}/{source} were asked for, and {place} is of "
                    f"{each.model}/{each.source}; give that dictionary's file, or its names."
                )
            if not 0 <= each.feature < num_features:
                raise UserError(
                    f"{place} explains feature {each.feature}, and the dictionary has features 0 "
                    f"to {num_features - 1}; it is not the one that was explained."
                )
            found.append(each)
    return found


def _batches(folder: Path) -> list[Path]:
    """Return a folder's batches by number, each once though it be there packed and not."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("batch-*.jsonl*")):
        named = re.fullmatch(r"batch-(\d+)\.jsonl(\.gz)?", path.name)
        if named:
            found.setdefault(int(named[1]), path)
    return [found[number] for number in sorted(found)]


def _objects(file: Path) -> Iterator[tuple[str, Any]]:
    """Yield each object of a file with the words for where it stands."""
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if content[:2] == _GZIP else content).decode()
        if text.lstrip().startswith("["):
            listed = enumerate(json.loads(text), start=1)
            yield from ((f"entry {number} of {file}", plain) for number, plain in listed)
            return
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"{file} is no file of explanations ({error}).") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"line {number} of {file}"
            try:
                yield place, json.loads(line)
            except ValueError as error:
                raise UserError(
                    f"{place} is no JSON ({error}); get the file anew."
                ) from error


def _exchanged(plain: Any, place: str) -> Exchanged:
    try:
        missing = [each for each in _NEEDED if plain.get(each) is None]
        if missing:
            raise ValueError(f"without {' and '.join(missing)}")
        given: dict[str, Any] = {"scores": None} | _named(plain, _FIELDS)
        if not all(isinstance(given[name], str) for name in ("model", "source", "text")):
            raise TypeError("its modelId, layer and description must be text")
        scores = [
            ExchangedScore(**_named(each, _SCORE_FIELDS)) for each in given["scores"] or ()
        ]
        # The export gives the index as text, other writers of the form as a number.
        number = int(given["feature"])
        changed: dict[str, Any] = {"feature": number, "scores": tuple(scores)}
        return Exchanged(**given | changed)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{place} is no explanation of Neuronpedia's ({error}); get the file anew."
        ) from error


def _named(plain: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """Return an object's fields by our names, those without one under ``extra``."""
    known = {ours: plain[theirs] for ours, theirs in fields.items() if theirs in plain}
    theirs = set(fields.values())
    return known | {"extra": {key: plain[key] for key in plain if key not in theirs}}


def _plain(each: Exchanged) -> dict[str, Any]:
    """Return an explanation as Neuronpedia writes it; what is not known is left out."""
    scores = [dict(one.extra) | _theirs(vars(one), _SCORE_FIELDS) for one in each.scores]
    ours = vars(each) | {"feature": str(each.feature), "scores": scores or None}
    return dict(each.extra) | _theirs(ours, _FIELDS)


def _theirs(ours: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    return {theirs: ours[name] for name, theirs in fields.items() if ours[name] is not None}
