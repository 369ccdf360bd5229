"""The pictures of a run: drawn or read once, kept as arrays beside it, with what is known of them.

Axes: n images, k concepts, m classes, h height, w width.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from tacit.base.seeds import stream
from tacit.bottlenecks.images import ConceptImages, concept_images
from tacit.data.cub import (
    Split,
)

OF_TRUTH = ("rendered", "cue", "nuisance", "twin_of", "kind_of")
"""Arrays that there are of drawn birds alone."""
SPLIT_SEED = 0
"""One split for all runs, so that heads are swapped on images that neither run has seen."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """Images with their classes and concepts, and the truth of those that were drawn."""

    pixels: UInt8[np.ndarray, "n 3 h w"]
    classes: Int[np.ndarray, " n"]
    names: tuple[str, ...]
    """Names of the classes."""
    concepts: tuple[str, ...]
    annotated: Float[np.ndarray, "n k"]
    known: Bool[np.ndarray, "n k"]
    split: Split
    rendered: Bool[np.ndarray, "n k"] | None
    """What was drawn; None of real images, of which only annotations are known."""
    cue: Bool[np.ndarray, " n"] | None
    nuisance: Bool[np.ndarray, " n"] | None
    twin_of: Int[np.ndarray, " m"] | None
    kind_of: Int[np.ndarray, " m"] | None
    """The kind of cue of each class."""

    @property
    def cue_kinds(self) -> Int[np.ndarray, " n"]:
        """The kind of cue of each image."""
        assert self.kind_of is not None, "only drawn twins have cues"
        return self.kind_of[self.classes]

    @property
    def truth(self) -> Bool[np.ndarray, "n k"]:
        """What readings are held against: what was drawn, or else what was annotated."""
        return self.annotated > 0.5 if self.rendered is None else self.rendered

    @property
    def groups(self) -> dict[str, list[int]]:
        """Concepts of each group, which are set together when one intervenes."""
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.concepts):
            found.setdefault(name.split("::")[0], []).append(place)
        return found

    def coin_classes(self) -> Int[np.ndarray, " n"]:
        """Return the classes with those of twins drawn by a coin: no picture tells them apart."""
        assert self.twin_of is not None, (
            "cueless arms are left out where there are no twins"
        )
        heads = stream(SPLIT_SEED, "hidden/coin").random(len(self.classes)) < 0.5
        return np.where(heads, self.classes, self.twin_of[self.classes])

    def to_learn(self, classes: Int[np.ndarray, " n"]) -> ConceptImages:
        """Return what a bottleneck learns from."""
        return concept_images(
            self.pixels,
            self.annotated,
            classes,
            train=self.split.train,
            validation=self.split.validation,
            known=self.known,
        )


def read_pictures(partial: Path) -> Pictures:
    """Return the pictures of a run, their pixels left on disk until they are read."""
    facts = json.loads(facts_path(partial, "main").read_text())
    with np.load(arrays_path(partial, "main")) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    parts = {name: held.pop(name) for name in ("train", "validation", "test")}
    optional = {name: held.get(name) for name in OF_TRUTH}
    return Pictures(
        pixels=np.load(pixels_path(partial, "main"), mmap_mode="c"),
        classes=held["classes"],
        names=tuple(facts["names"]),
        concepts=tuple(facts["concepts"]),
        annotated=held["annotated"],
        known=held["known"],
        split=Split(**parts),
        **optional,
    )


def read_others(partial: Path) -> ConceptImages:
    """Return the pictures that the shared trunk learns first; they have no concepts."""
    with np.load(arrays_path(partial, "others")) as arrays:
        classes, train, validation = (
            arrays[name] for name in ("classes", "train", "validation")
        )
    pixels = np.load(pixels_path(partial, "others"), mmap_mode="c")
    nothing = np.zeros((len(pixels), 0), dtype=np.float32)
    return concept_images(pixels, nothing, classes, train=train, validation=validation)


def pixels_path(partial: Path, name: str) -> Path:
    """Return where the pixels of a set are kept."""
    return partial / "work" / f"{name}-pixels.npy"


def arrays_path(partial: Path, name: str) -> Path:
    """Return where the other arrays of a set are kept."""
    return partial / "work" / f"{name}.npz"


def facts_path(partial: Path, name: str) -> Path:
    """Return where a set's names are kept; it is there once all of the set is."""
    return partial / "work" / f"{name}.json"
