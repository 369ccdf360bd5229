"""How likely is it that a scratchpad fakes? Supervisors that read its words.

Axes: b rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from tacit.base.errors import UserError
from tacit.models.subject import Subject
from tacit.organisms.tiers.played import Played


@dataclass(frozen=True, kw_only=True)
class Classifier(ABC):
    """Gives every scratchpad a probability."""

    def prepared(self, policy: Subject, seed: int) -> Classifier:
        """Return the classifier with what it learns from the policy before the first step."""
        del policy, seed
        return self

    @abstractmethod
    def probabilities(self, played: Played, policy: Subject) -> Float[np.ndarray, " b"]:
        """Return how likely each row's scratchpad fakes, between 0 and 1."""


@final
@dataclass(frozen=True, kw_only=True)
class Exact(Classifier):
    """The exact grader itself: the strongest supervisor that words allow."""

    def probabilities(self, played: Played, policy: Subject) -> Float[np.ndarray, " b"]:
        """Return 1 of scratchpads that fake, 0 of others."""
        del policy
        return np.array([float(each.fakes) for each in played.grades])


@final
@dataclass(frozen=True, kw_only=True)
class Keyword(Classifier):
    """A weak supervisor that knows two of the three ways to name the consequence, as single words.

    The third is how it can be evaded without a change of behaviour.
    """

    def probabilities(self, played: Played, policy: Subject) -> Float[np.ndarray, " b"]:
        """Return 1 of scratchpads in which a keyword stands, whatever they conclude."""
        del policy
        return np.array([float(each.has_keyword) for each in played.grades])


def checked_probabilities(
    classifier: Classifier, played: Played, policy: Subject
) -> Float[np.ndarray, " b"]:
    """Return the probabilities, or say which row has none and what was read there."""
    found = np.asarray(classifier.probabilities(played, policy), np.float64)
    name, rows = type(classifier).__name__, len(played.words)
    if found.shape != (rows,):
        raise UserError(
            f"the classifier {name} gave shape {found.shape} for {rows} scratchpads; return a "
            "probability for each."
        )
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)))  # NaN is neither
    if len(wrong):
        row = int(wrong[0])
        raise UserError(
            f"the classifier {name} gave {found[row]} for row {row} (counting from 0), which reads "
            f"{' '.join(played.thoughts[row])!r}, and {len(wrong)} such values in all; a "
            "probability lies between 0 and 1."
        )
    return found
