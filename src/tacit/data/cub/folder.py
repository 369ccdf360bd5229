"""What a folder in the layout of CUB-200-2011 says: images, classes, attributes, boxes, parts.

Ids on disk begin at 1, every index here at 0. Axes: n images, m classes, a attributes, k columns
of one group; 15 parts, named in ``vocabulary.PARTS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from tacit.base.errors import UserError
from tacit.data.cub.tables import Columns, Table, read_names, read_table
from tacit.data.cub.vocabulary import CERTAINTIES, PARTS

FOLDER = "CUB_200_2011"
ANNOTATIONS = "attributes/image_attribute_labels.txt"
PERCENTAGES = "attributes/class_attribute_labels_continuous.txt"
PART_PLACES = "parts/part_locs.txt"
LABELS, OFFICIAL_SPLIT, BOXES = (
    "image_class_labels.txt",
    "train_test_split.txt",
    "bounding_boxes.txt",
)
BOX = ("left", "top", "width", "height")
TABLES: Mapping[str, Columns] = {
    LABELS: {"image": int, "class": int},
    OFFICIAL_SPLIT: {"image": int, "is_train": int},
    BOXES: {"image": int, **dict.fromkeys(BOX, float)},
    PART_PLACES: {"image": int, "part": int, "x": float, "y": float, "visible": int},
    ANNOTATIONS: {"image": int, "attribute": int, "is_present": int, "certainty": int},
}
NUM_FIELDS = {ANNOTATIONS: 5}
"""Fields of a row where there is more than is read: how long an annotation took."""
FILES = ("images.txt", "classes.txt", *TABLES, PERCENTAGES)
"""Files that must be there, beside ``attributes.txt``, which may be in three places."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Cub:
    """A folder of images of birds with everything that is annotated of them."""

    root: Path
    """The folder that holds ``images``."""
    image_paths: tuple[Path, ...]
    labels: Int[np.ndarray, " n"]
    """Class of each image, from 0."""
    classes: tuple[str, ...]
    """Names as on disk, such as ``001.Black_footed_Albatross``."""
    attributes: tuple[str, ...]
    """Names as on disk, such as ``has_bill_shape::cone``."""
    present: Bool[np.ndarray, "n a"]
    """What annotators said; false too where they said nothing or could not see."""
    certainty: Int8[np.ndarray, "n a"]
    """1 not visible, 2 guessing, 3 probably, 4 definitely."""
    is_train: Bool[np.ndarray, " n"]
    """The official split."""
    boxes: Float[np.ndarray, "n 4"]
    """Left, top, width and height of the bird, in pixels."""
    part_places: Float[np.ndarray, "n 15 2"]
    """Pixels from the left and the top; NaN where the part is not visible."""
    part_visible: Bool[np.ndarray, "n 15"]
    class_percentages: Float[np.ndarray, "m a"]
    """Share of a class's annotations that say so, from 0 to 100, as the folder tells it."""
    mended: Mapping[str, int]
    """What was odd in the files and read all the same, with how often."""

    @property
    def groups(self) -> dict[str, Int[np.ndarray, " k"]]:
        """Attributes of each group, such as ``has_bill_shape``, in the order of the file."""
        names = [name.split("::")[0] for name in self.attributes]
        return {
            group: np.flatnonzero([name == group for name in names])
            for group in dict.fromkeys(names)
        }


def read_cub(folder: Path | str) -> Cub:
    """Return what a CUB folder says, or the folder that holds one; no image is opened.

    ``mended`` counts rows with fields too many or too few, images whose names on disk differ in
    upper and lower case, cells that no row annotates (taken as not visible) and parts that no row
    places.

    Raises:
        UserError: where files are missing, or a line says what cannot be.
    """
    root = _root(Path(folder))
    names, classes = read_names(root / "images.txt"), read_names(root / "classes.txt")
    attributes = read_names(_attributes_file(root))
    tables = {
        name: read_table(root / name, columns, num_fields=NUM_FIELDS.get(name))
        for name, columns in TABLES.items()
    }
    count = len(names)
    paths, num_cased = _image_paths(root / "images", names)
    present, certainty = _annotations(tables[ANNOTATIONS], (count, len(attributes)))
    places, visible = _parts(tables[PART_PLACES], count)
    mended = {
        "rows with fields too many or too few": sum(t.num_mended for t in tables.values()),
        "image names in another case": num_cased,
        "cells that no row annotates": present.size - len(tables[ANNOTATIONS]),
        "parts that no row places": visible.size - len(tables[PART_PLACES]),
    }
    return Cub(
        root=root,
        image_paths=paths,
        labels=_labels(tables[LABELS], count, classes),
        classes=classes,
        attributes=attributes,
        present=present,
        certainty=certainty,
        is_train=_is_train(tables[OFFICIAL_SPLIT], count),
        boxes=_boxes(tables[BOXES], count),
        part_places=places,
        part_visible=visible,
        class_percentages=_percentages(root / PERCENTAGES, len(classes), len(attributes)),
        mended=mended,
    )


def _root(folder: Path) -> Path:
    """Return the folder itself or the one inside it, refusing one that lacks files."""
    inside = folder / FOLDER
    root = inside if inside.is_dir() and not (folder / FILES[0]).is_file() else folder
    missing = [name for name in FILES if not (root / name).is_file()]
    if not _attributes_file(root).is_file():
        missing.append("attributes.txt (here, above, or in attributes/)")
    if missing:
        raise UserError(
            f"{root} is no folder of CUB-200-2011: it lacks {', '.join(missing)}. Name the folder "
            f"{FOLDER} of the archive, or one that `tacit birds make` wrote."
        )
    return root


def _attributes_file(root: Path) -> Path:
    """Return where the names are: the archive has them above the folder, its README inside."""
    places = (root / "attributes", root.absolute().parent, root)
    found = [place / "attributes.txt" for place in places]
    return next((path for path in found if path.is_file()), found[0])


def _image_paths(images: Path, names: Sequence[str]) -> tuple[tuple[Path, ...], int]:
    """Return the files, and how many are found under a name in another case alone."""
    there = [path.relative_to(images).as_posix() for path in images.rglob("*")]
    exact, by_lower = set(there), {name.lower(): name for name in there}
    found = [name if name in exact else by_lower.get(name.lower(), name) for name in names]
    num_cased = sum(name != other for name, other in zip(names, found, strict=True))
    return tuple(images / name for name in found), num_cased


def _labels(table: Table, count: int, classes: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Return the class of each image, refusing classes that none has."""
    table.require("class", 1, len(classes), f"classes.txt lists {len(classes)}")
    labels = table["class"][table.rows_by_id("image", count)] - 1
    empty = [name for n, name in enumerate(classes) if not (labels == n).any()]
    if empty:
        raise UserError(
            f"{table.path} has no image of {len(empty)} classes, such as {empty[0]}; take them out "
            "of classes.txt, or put their images in."
        )
    return labels


def _is_train(table: Table, count: int) -> Bool[np.ndarray, " n"]:
    """Return which images the official split trains on."""
    table.require("is_train", 0, 1, "it says yes or no")
    return table["is_train"][table.rows_by_id("image", count)] == 1


def _boxes(table: Table, count: int) -> Float[np.ndarray, "n 4"]:
    """Return the boxes in the order of images."""
    order = table.rows_by_id("image", count)
    return np.stack([table[side][order] for side in BOX], axis=1)


def _annotations(
    table: Table, shape: tuple[int, int]
) -> tuple[Bool[np.ndarray, "n a"], Int8[np.ndarray, "n a"]]:
    """Return what is present and how certainly; a cell without a row is not visible."""
    table.require("is_present", 0, 1, "it says yes or no")
    table.require("certainty", 1, len(CERTAINTIES), f"there are {len(CERTAINTIES)}")
    cells = table.cells("image", "attribute", shape)
    present, certainty = np.zeros(shape, dtype=bool), np.ones(shape, dtype=np.int8)
    present.flat[cells], certainty.flat[cells] = (
        table["is_present"] == 1,
        table["certainty"],
    )
    return present, certainty


def _parts(
    table: Table, count: int
) -> tuple[Float[np.ndarray, "n 15 2"], Bool[np.ndarray, "n 15"]]:
    """Return the places of parts, NaN where they cannot be seen, and whether they can."""
    table.require("visible", 0, 1, "it says yes or no")
    shape = (count, len(PARTS))
    cells, seen = table.cells("image", "part", shape), table["visible"] == 1
    visible, places = np.zeros(shape, dtype=bool), np.full((*shape, 2), np.nan)
    visible.flat[cells] = seen
    places.reshape(-1, 2)[cells[seen]] = np.stack([table["x"], table["y"]], axis=1)[seen]
    return places, visible


def _percentages(
    path: Path, num_classes: int, num_attributes: int
) -> Float[np.ndarray, "m a"]:
    """Return the matrix of classes and attributes, refusing another shape."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    widths = sorted({len(fields) for fields in lines})
    if len(lines) != num_classes or widths != [num_attributes]:
        raise UserError(
            f"{path} has {len(lines)} lines of {' or '.join(map(str, widths)) or 'no'} numbers; it "
            f"must have {num_classes} of {num_attributes}, for classes and attributes."
        )
    try:
        values = np.array(lines, dtype=np.float64)
    except ValueError as error:
        raise UserError(f"{path} holds what is no number ({error}).") from error
    if not ((values >= 0) & (values <= 100)).all():
        raise UserError(
            f"{path} has values from {values.min():g} to {values.max():g}; they must be per cent."
        )
    return values
