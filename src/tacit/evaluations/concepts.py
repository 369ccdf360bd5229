"""What is true of rows, which a dictionary may or may not have a feature for.

Axes: n rows, c classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

UNKNOWN = -1


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Concept:
    """Something that divides rows into classes; for two classes, the second is having it."""

    name: str
    classes: tuple[str, ...]
    truth: Int[np.ndarray, " n"]
    """Class of each row; ``UNKNOWN`` where it is not known."""
    kind: str
    """Where it comes from: ``label``, ``labels`` (several that exclude each other), ``letter``
    (what a token starts with) or ``document`` (one class for all rows of a document)."""

    @property
    def is_binary(self) -> bool:
        """Whether rows have it or not."""
        return len(self.classes) == 2

    @property
    def is_of_documents(self) -> bool:
        """Whether whole documents have it, so that their rows are no independent examples."""
        return self.kind == "document"

    @property
    def has_it(self) -> Bool[np.ndarray, " n"]:
        """Which rows have a concept of two classes."""
        assert self.is_binary, f"{self.name} has the classes {self.classes}"
        return self.truth == 1

    @property
    def is_known(self) -> Bool[np.ndarray, " n"]:
        """Which rows' class is known."""
        return self.truth != UNKNOWN
