"""The rows of the study's tables: features, bases, and features by label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

FIGURES: Mapping[str, str] = {
    "top-and-random": "top_and_random",
    "any": "any_text",
    "top-only": "top_only",
    "random-only": "random_only",
    "detection": "detection",
    "fuzzing": "fuzzing",
}
"""What is scored -> its column."""
SIMULATED = tuple(FIGURES)[:4]
"""Those that are correlations."""


@final
@dataclass(frozen=True, kw_only=True)
class FeatureRow:
    """One feature, explained and scored.

    A score without a value because the explanation says nothing is its chance; one that the text
    or the reader gave no answer to is missing.
    """

    subject: str
    seed: int
    arm: str
    site: str
    basis: str
    explainer: str
    atoms: int
    ratio: float
    share: float
    """Of the steps that the others were trained for."""
    is_swept: bool
    """Whether size or steps are not the study's own."""
    feature: int
    density: float
    skew: float | None
    kurtosis: float | None
    num_active: int
    """Fragments in which it is active."""
    top_and_random: float | None
    any_text: float | None
    top_only: float | None
    random_only: float | None
    detection: float | None
    fuzzing: float | None
    says_nothing: bool
    unanswered: int
    """Fragments, over all scorings, that the reader did not answer; 1 where there is no explanation
    because a chat model failed or was not asked."""
    text: str


@final
@dataclass(frozen=True, kw_only=True)
class BasisRow:
    """One basis, and what became of its features."""

    subject: str
    seed: int
    arm: str
    site: str
    basis: str
    atoms: int
    ratio: float
    share: float
    is_swept: bool
    l0: float
    sparse_l0: float
    """That of sparse coding at the place, which bases of the k largest are given."""
    fvu: float
    enough: int
    """Atoms active in enough fragments; the others are never drawn."""
    left_out: int
    """Drawn, but not active in enough fragments on one of the two sides."""
    scored: int


@final
@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One feature, and the labels that tell where it is active."""

    subject: str
    seed: int
    site: str
    basis: str
    feature: int
    density: float
    f1: float
    """On held-out text; where no label tells it, ``chance``."""
    chance: float
    """That of calling it active everywhere."""
    is_told: bool
    text: str
