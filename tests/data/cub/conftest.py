"""A tiny folder in the layout of CUB-200-2011 with all that is odd in the real one.

Axes: n images, m classes, a attributes.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tacit.data.cub import Cub
from tacit.data.cub.vocabulary import ATTRIBUTES, PARTS

CLASSES = ("001.Black_footed_Bird", "002.Bird_(of_a_kind)", "003.Chuck's-Bird")
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
SIDES = (40, 30)
"""Width and height of every image."""
SIX_FIELDS = {2, 9}
"""Rows of images whose lines have six fields from attribute 10 on, as two real ones have."""


@dataclass
class TinyCub:
    """What is true of the folder, and how to write it."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    def __post_init__(self):
        n, a = len(LABELS), len(ATTRIBUTES)
        self.present = self.rng.random((n, a)) < 0.3
        self.certainty = self.rng.integers(1, 5, (n, a))
        self.is_train = np.array([1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0])
        left, top = self.rng.integers(0, 10, n), self.rng.integers(0, 8, n)
        self.boxes = np.stack([left, top, 12 + left, 10 + top], axis=1).astype(float)
        self.visible = self.rng.random((n, len(PARTS))) < 0.8
        self.places = np.round(self.rng.uniform(1, 30, (n, len(PARTS), 2)), 1)
        self.percentages = np.round(self.rng.uniform(0, 100, (len(CLASSES), a)), 9)
        self.names = tuple(
            f"{CLASSES[label]}/{CLASSES[label][4:].upper()}_{n:04}.jpg"
            for n, label in enumerate(LABELS)
        )

    def write(self, holder: Path) -> Path:
        """Write the archive as it unpacks into ``holder``; return the folder CUB_200_2011."""
        root = holder / "CUB_200_2011"
        for name in ("attributes", "parts", "images"):
            (root / name).mkdir(parents=True)
        numbered(holder / "attributes.txt", ATTRIBUTES)
        (root / "README").write_text("322 attributes\n")
        numbered(root / "images.txt", self.names)
        numbered(root / "classes.txt", CLASSES, end="\r\n")
        numbered(root / "parts/parts.txt", PARTS)
        numbered(root / "image_class_labels.txt", LABELS + 1)
        numbered(root / "train_test_split.txt", self.is_train)
        boxes = [" ".join(f"{side:.1f}" for side in box) for box in self.boxes]
        numbered(root / "bounding_boxes.txt", boxes, end="\r\n")
        lines = [" ".join(map(str, row)) for row in self.percentages.tolist()]
        path = root / "attributes/class_attribute_labels_continuous.txt"
        path.write_text("\n".join(lines) + "\n")
        self.write_parts(root / "parts/part_locs.txt")
        self.write_annotations(root / "attributes/image_attribute_labels.txt")
        for n, name in enumerate(self.names):
            self.draw(root / "images" / name, n)
        return root

    def write_parts(self, path: Path) -> None:
        with path.open("w") as file:
            for n, part in np.ndindex(self.visible.shape):
                seen = self.visible[n, part]
                x, y = self.places[n, part] if seen else (0.0, 0.0)
                file.write(f"{n + 1} {part + 1} {x:.1f} {y:.1f} {int(seen)}\n")

    def write_annotations(self, path: Path) -> None:
        with path.open("w") as file:
            for n, a in np.ndindex(self.present.shape):
                extra = " 0" if n in SIX_FIELDS and a >= 9 else ""
                told = f"{int(self.present[n, a])} {self.certainty[n, a]}"
                file.write(f"{n + 1} {a + 1} {told}{extra} {1.5 + a / 7:.3f}\n")

    def draw(self, path: Path, n: int) -> None:
        """Draw a bird: an orange box on blue; a white one on black in grey for image 3."""
        grey = n == 3
        image = Image.new("L" if grey else "RGB", SIDES, 0 if grey else (0, 0, 200))
        left, top, width, height = self.boxes[n].astype(int).tolist()
        edges = (left, top, left + width, top + height)
        image.paste(255 if grey else (250, 120, 0), edges)
        path.parent.mkdir(exist_ok=True)
        image.save(path, quality=98, subsampling=0)


def numbered(path: Path, values, end: str = "\n") -> None:
    """Write values behind ids from 1."""
    text = "".join(f"{n} {value}{end}" for n, value in enumerate(values, start=1))
    path.write_text(text, newline="")


@pytest.fixture
def truth() -> TinyCub:
    return TinyCub()


@pytest.fixture
def folder(truth, tmp_path) -> Path:
    """The folder CUB_200_2011; ``attributes.txt`` is beside it."""
    return truth.write(tmp_path)


def cub_of(present, certainty, labels, is_train=None) -> Cub:
    """Return a ``Cub`` of these annotations and nothing else of interest."""
    present, labels = np.asarray(present, dtype=bool), np.asarray(labels)
    (n, a), m = present.shape, labels.max() + 1
    return Cub(
        root=Path("nowhere"),
        image_paths=tuple(Path(f"{row}.jpg") for row in range(n)),
        labels=labels,
        classes=tuple(f"class {number}" for number in range(m)),
        attributes=tuple(f"group {number % 2}::{number}" for number in range(a)),
        present=present,
        certainty=np.asarray(certainty, dtype=np.int8),
        is_train=np.ones(n, dtype=bool) if is_train is None else np.asarray(is_train),
        boxes=np.ones((n, 4)),
        part_places=np.full((n, 15, 2), np.nan),
        part_visible=np.zeros((n, 15), dtype=bool),
        class_percentages=np.zeros((m, a)),
        mended={},
    )


@pytest.fixture(scope="session", name="cub_of")
def _cub_of():
    return cub_of
