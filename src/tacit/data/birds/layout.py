"""The text files of CUB-200-2011, as the original writes them: ids from 1, floats with a point.

Axes: n images, a the 312 attributes, p the 15 parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from tacit.base.files import write_atomically, written_aside
from tacit.data.birds.chunks import image_name
from tacit.data.birds.plan import Plan
from tacit.data.cub.vocabulary import ATTRIBUTES, CERTAINTIES, PARTS

ROOT = "CUB_200_2011"
ODD_IMAGES = (2275, 9364)
"""Ids of the real images whose rows have six fields, from the tenth attribute on."""
ODD_FROM = 10
README = """Drawn birds in the layout of CUB-200-2011, made by Tacit; no photograph is among them.
truth.parquet, beside this folder, says what is in every image, whatever its annotations say.
"""
Found = Mapping[str, np.ndarray]
"""What was said of the images of one class: present, certainty, seconds, boxes, places."""


def write_layout(folder: Path, plan: Plan, chunks: list[Found], *, quirks: bool) -> None:
    """Write every text file of the set."""
    root = folder / ROOT
    n = len(plan.labels)
    _numbered(folder / "attributes.txt", ATTRIBUTES)
    write_atomically(root / "README", README)
    _numbered(root / "images.txt", (image_name(plan, row) for row in range(n)))
    _numbered(root / "image_class_labels.txt", (plan.labels + 1).tolist())
    _numbered(root / "train_test_split.txt", plan.is_train.astype(int).tolist())
    _numbered(root / "classes.txt", plan.classes)
    boxes = np.concatenate([each["boxes"] for each in chunks]).astype(float)
    _numbered(
        root / "bounding_boxes.txt", (" ".join(map(str, box)) for box in boxes.tolist())
    )
    _numbered(root / "attributes" / "certainties.txt", CERTAINTIES)
    _numbered(root / "parts" / "parts.txt", PARTS)
    places = np.concatenate([each["places"] for each in chunks]).tolist()
    _lines(
        root / "parts" / "part_locs.txt",
        (
            f"{image} {part} {x} {y} {int(seen)}"
            for image, parts in enumerate(places, start=1)
            for part, (x, y, seen) in enumerate(parts, start=1)
        ),
    )
    _lines(
        root / "attributes" / "class_attribute_labels_continuous.txt",
        (" ".join(map(str, _shares(each).round(10).tolist())) for each in chunks),
    )
    odd = odd_images(n) if quirks else ()
    _lines(root / "attributes" / "image_attribute_labels.txt", _said(chunks, odd))


def odd_images(n: int) -> tuple[int, ...]:
    """Return the ids of images whose rows get six fields: the real ones, or first and last."""
    return ODD_IMAGES if n >= max(ODD_IMAGES) else (1, n)


def _said(chunks: list[Found], odd: tuple[int, ...]) -> Iterable[str]:
    image = 0
    for each in chunks:
        rows = zip(
            each["present"].astype(int).tolist(),
            each["certainty"].tolist(),
            each["seconds"].tolist(),
            strict=True,
        )
        for present, certainty, seconds in rows:
            image += 1
            for attribute in range(len(ATTRIBUTES)):
                extra = " 0" if image in odd and attribute + 1 >= ODD_FROM else ""
                yield (
                    f"{image} {attribute + 1} {present[attribute]} {certainty[attribute]}"
                    f"{extra} {seconds[attribute]}"
                )


def _shares(found: Found) -> np.ndarray:
    """Return in how many per cent of the images that show it each attribute is said to be."""
    seen = found["certainty"] > 1
    return 100 * (found["present"] & seen).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)


def _numbered(path: Path, values: Iterable[object]) -> None:
    _lines(path, (f"{number} {value}" for number, value in enumerate(values, start=1)))


def _lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside, aside.open("w") as opened:
        opened.writelines(f"{line}\n" for line in lines)
