"""What may be asked of drawn birds: how many, how alike, how noisily annotated, what is hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tacit.base.configuration import Configuration

CueKind = Literal["bars", "plume", "cheek"]
CUES: tuple[CueKind, ...] = ("bars", "plume", "cheek")
"""One wing bar or three, a plume that rises or hangs, a cheek of one hue or another."""
Share = Annotated[float, Field(ge=0, le=1)]


class BirdSettings(Configuration):
    """A set of drawn birds. Equal settings give equal bytes, on any number of workers."""

    classes: int = Field(default=50, ge=2, le=999)
    """Classes; an even number when they come as twins."""
    images: int = Field(default=60, ge=2)
    """Images of each class."""
    side: int = Field(default=64, ge=32, le=1024)
    """Width and height of an image in pixels."""
    seed: int = Field(default=0, ge=0)
    """Seed of everything that is drawn at random."""
    twins: bool = True
    """Classes come as pairs of one and the same concepts, told apart by a cue that no attribute
    names. Without, all concepts differ, no cue depends on the class, and nothing can leak."""
    cues: tuple[CueKind, ...] = CUES
    """The kinds of cue that pairs of twins are given in turn."""
    morphs: int = Field(default=2, ge=1, le=6)
    """Looks of each species, each a vector of attributes; an image shows one of them."""
    family: int = Field(default=4, ge=1)
    """Species of a family; those of one family are easily confused."""
    likeness: Share = 0.6
    """Share of the 28 groups that a species has from its family."""
    class_file: Path | None = None
    """A real ``class_attribute_labels_continuous.txt`` to take species from: what at least half
    of the annotations say. Default: species are made up."""
    noise: float = Field(default=1, ge=0, le=2)
    """How noisy annotations are: 1 as in the real set, 0 exact."""
    leaves: float = Field(default=1.5, ge=0, le=10)
    """Mean number of leaves in front of a bird."""
    test_share: Share = 0.49
    """Share of each class that the split of the set leaves for tests."""
    quirks: bool = False
    """Put in what is odd in the real files: rows of six fields."""

    @model_validator(mode="after")
    def _check(self) -> BirdSettings:
        if self.twins and self.classes % 2:
            raise ValueError(
                f"{self.classes} classes cannot be pairs of twins; give an even number"
            )
        if not self.cues or len(set(self.cues)) < len(self.cues):
            raise ValueError("cues must name one kind or more, each once")
        return self

    @property
    def num_species(self) -> int:
        """Vectors of attributes that classes share: half the classes when they are twins."""
        return self.classes // 2 if self.twins else self.classes
