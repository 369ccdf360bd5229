"""The outputs of somebody's bottleneck, from an .npz file or the columns of a Parquet table.

Axes: n images, k concepts, r readings, m classes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int

from tacit.base.errors import UserError
from tacit.base.files import sha256_of
from tacit.base.progress import Progress
from tacit.verbs.leak_inputs import Examined, LeakSource
from tacit.verbs.leak_settings import LeakSettings

AXES: Mapping[str, tuple[str, ...]] = {
    "concepts": ("images", "concepts"),
    "readings": ("images", "readings"),
    "labels": ("images",),
    "class_logits": ("images", "classes"),
    "known": ("images", "concepts"),
    "concept_names": ("concepts",),
}
NEEDED = ("concepts", "readings", "labels")
WANTED = (
    "give concepts (images by concepts, 0 or 1), readings (images by readings) and labels (a "
    "number from 0 for each image), and class_logits and concept_names where they are known"
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayFile(LeakSource):
    """Arrays in a file."""

    path: Path
    digests: Mapping[str, str]

    def examined(self, partial: Path, progress: Progress) -> Examined:
        """Return what the arrays hold."""
        del partial, progress
        return read_arrays(self.path)

    def pictures(self, places: Int[np.ndarray, " p"]) -> None:
        """Return None: arrays have no pictures."""
        del places


def open_arrays(settings: LeakSettings) -> ArrayFile:
    """Return a file of arrays, or say why its settings do not go with it."""
    path = Path(settings.model)
    if settings.data is not None:
        raise UserError(
            f"{path} holds arrays, and --data {settings.data} was given: arrays bring their own "
            "concepts and labels. Leave --data out."
        )
    if not path.is_file():
        raise UserError(f"there is no file {path}; {WANTED}.")
    return ArrayFile(path=path, digests={"arrays": sha256_of(path)})


def read_arrays(path: Path) -> Examined:
    """Return the arrays of a file, checked.

    Raises:
        UserError: where an array is missing, of another shape or kind, or the file is none.
    """
    found = _read_parquet(path) if path.suffix == ".parquet" else _read_npz(path)
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing)}: it holds {', '.join(found) or 'nothing'}; "
            f"{WANTED}."
        )
    held = {
        name: _checked(path, name, found[name], axes)
        for name, axes in AXES.items()
        if name in found
    }
    lengths = {name: len(each) for name, each in held.items() if name != "concept_names"}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise UserError(
            f"{path} has rows of unlike number: {told}; give one for every image."
        )
    labels, truth = _whole(path, held["labels"]), _yes_or_no(path, "concepts", held)
    known = _yes_or_no(path, "known", held) if "known" in held else np.ones_like(truth)
    names = held.get("concept_names", [f"concept {at}" for at in range(truth.shape[1])])
    if known.shape != truth.shape or len(names) != truth.shape[1]:
        raise UserError(
            f"{path} has concepts {truth.shape}, known {known.shape} and {len(names)} concept "
            "names; give one of each for every concept."
        )
    logits = held.get("class_logits")
    count = logits.shape[1] if logits is not None else int(labels.max(initial=0)) + 1
    unread = sorted(set(found) - set(AXES))
    return Examined(
        labels=labels,
        truth=truth,
        known=known,
        readings=_numbers(path, "readings", held["readings"]),
        class_logits=None if logits is None else _numbers(path, "class_logits", logits),
        concepts=tuple(str(name) for name in names),
        classes=tuple(f"class {number}" for number in range(count)),
        basis="given",
        notes=(f"{path.name} also holds {', '.join(unread)}, unread.",) if unread else (),
    )


def _read_npz(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as opened:
            return {name: opened[name] for name in opened.files}
    except (OSError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} cannot be read as arrays of numbers or text ({error}); write it with "
            "numpy.savez."
        ) from error


def _read_parquet(path: Path) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as a Parquet table ({error}).") from error
    return {name: table[name].to_pylist() for name in table.column_names}


def _checked(path: Path, name: str, values: Any, axes: tuple[str, ...]) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unlike length
        array = np.empty(0, dtype=object)
    if array.dtype == object or array.ndim != len(axes):
        told = (
            "rows of unlike length or empty cells" if array.dtype == object else array.shape
        )
        raise UserError(
            f"{name} of {path} holds {told}; it must be {' by '.join(axes)}, without gaps."
        )
    return array


def _numbers(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise UserError(f"{name} of {path} holds {array.dtype}; give numbers.")
    return array.astype(np.float64)


def _yes_or_no(path: Path, name: str, held: Mapping[str, np.ndarray]) -> np.ndarray:
    values = _numbers(path, name, held[name])
    odd = ~np.isin(values, (0, 1))
    if odd.any():
        raise UserError(
            f"{int(odd.sum())} of {values.size} {name} of {path} are neither 0 nor 1, such as "
            f"{values[odd][0]:g}: they are what is true of an image. What the model says of it "
            "belongs into readings."
        )
    return values > 0


def _whole(path: Path, array: np.ndarray) -> Int[np.ndarray, " n"]:
    values = _numbers(path, "labels", array)
    if not (np.isfinite(values) & (values == np.floor(values))).all():
        raise UserError(f"labels of {path} are not whole numbers; number classes from 0.")
    return values.astype(np.int64)
