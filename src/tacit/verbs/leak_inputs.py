"""What a bottleneck said of images and what is true of them, as every measure of a leak takes it.

Axes: n images, k concepts, r readings (those of concepts first), m classes, p pictures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from tacit.base.errors import UserError
from tacit.base.progress import Progress
from tacit.bottlenecks.intervening import ClassHead

Basis = Literal["drawn", "annotated", "given"]
IN_WORDS: Mapping[Basis, str] = {
    "drawn": "what was drawn",
    "annotated": "annotations",
    "given": "the concepts given",
}
"""What the concepts are that readings are held against."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Examined:
    """One bottleneck on some images."""

    labels: Int[np.ndarray, " n"]
    truth: Bool[np.ndarray, "n k"]
    """The concepts that readings are held against."""
    known: Bool[np.ndarray, "n k"]
    """Where an annotator could see; what is unknown counts as absent, and not as right or wrong."""
    readings: Float[np.ndarray, "n r"]
    """What the class head reads: concepts, then slots."""
    class_logits: Float[np.ndarray, "n m"] | None
    concepts: tuple[str, ...]
    classes: tuple[str, ...]
    """Names; of arrays their numbers."""
    basis: Basis
    twin_of: Int[np.ndarray, " m"] | None = None
    """Of each class the one with the same concepts, or -1; None where no class is known to have
    one."""
    head: ClassHead | None = None
    """What the class head makes of readings; None where it cannot be had by itself."""
    notes: tuple[str, ...] = ()
    """What was met on the way here that a reader must know, a sentence each."""

    def __post_init__(self) -> None:
        n, k = self.truth.shape
        if n < 2 or not k or not self.readings.shape[1]:
            raise UserError(
                f"{n} images with {k} concepts and {self.readings.shape[1]} readings were given; "
                "what leaks is seen on several images, of one concept or more."
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.classes):
            raise UserError(
                f"labels from {low} to {high} were given of {len(self.classes)} classes; count "
                "classes from 0, in the order of their logits."
            )
        if self.class_logits is not None and not np.isfinite(self.class_logits).all():
            raise UserError(
                f"{int((~np.isfinite(self.class_logits)).sum())} of {self.class_logits.size} class "
                "logits are not finite: find what overflowed."
            )

    @property
    def num_constant(self) -> int:
        """Concepts that are the same on all images."""
        return int((self.truth.all(axis=0) | ~self.truth.any(axis=0)).sum())

    @property
    def groups(self) -> dict[str, list[int]]:
        """Concepts by what stands before ``::``; those of a group are set together."""
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.concepts):
            found.setdefault(name.split("::")[0], []).append(place)
        return found


class LeakSource(ABC):
    """A model with its images, or arrays: opened, and checked as far as costs little."""

    digests: Mapping[str, str]
    """What tells it from another of the same name."""

    @abstractmethod
    def examined(self, partial: Path, progress: Progress) -> Examined:
        """Return what the model says; what took long is kept in the partial folder of the run."""

    @abstractmethod
    def pictures(
        self, places: Int[np.ndarray, " p"]
    ) -> UInt8[np.ndarray, "p 3 side side"] | None:
        """Return some of the images examined, small; None where there are none."""
