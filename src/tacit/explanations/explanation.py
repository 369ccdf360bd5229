"""An explanation: what is said of one feature, by whom, at what price."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.explanations.exhibits import Exhibits
from tacit.models.spending import Usage


@final
@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What one explainer says of one feature."""

    feature: int
    dictionary: str
    """Identity of the dictionary that the feature is of."""
    explainer: str
    """Name, as on the command line: ``lexical``, ``label``, ``openai/gpt-4o``."""
    version: str
    """Of the prompt or of the rule that made it."""
    text: str
    """In words."""
    rule: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What a reader without a model goes by, as plain JSON; empty for words alone."""
    usage: Usage = field(default_factory=Usage)


class Explainer(ABC):
    """Says what a feature means."""

    name: str
    version: str

    @abstractmethod
    async def explain(self, exhibits: Exhibits) -> Explanation | Gap:
        """Return an explanation, or why there is none: with the raw answer, never a guess."""


def check_same_dictionary(explanation: Explanation, exhibits: Exhibits) -> None:
    """Raise a ``UserError`` where an explanation is of another dictionary or feature."""
    if explanation.dictionary != exhibits.dictionary:
        raise UserError(
            f"the explanation of feature {explanation.feature} is of dictionary "
            f"{explanation.dictionary[:12]}, and {exhibits.dictionary[:12]} was indexed; explain "
            "this dictionary's features."
        )
    assert explanation.feature == exhibits.feature
