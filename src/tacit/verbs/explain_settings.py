"""What a user decides about explanations and their scores."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tacit.base.configuration import Configuration
from tacit.base.errors import UserError
from tacit.explanations.exhibits import Protocol
from tacit.explanations.working import AT_ONCE
from tacit.models.spending import Budget, Prices
from tacit.verbs.settings import LARGEST_SEED


class ProtocolSettings(Configuration):
    """How fragments are chosen; the defaults are as published but for ``apart``."""

    fragment_tokens: int = Field(default=64, ge=8)
    shown: int = Field(default=5, ge=1)
    """Strongest fragments that a chat model is shown."""
    scored: int = Field(default=5, ge=1)
    """Fragments of each kind on which an explanation is scored."""
    learned: int = Field(default=40, ge=1)
    """Fragments of each kind that explainers without a model may learn from."""
    fewest: int = Field(default=20, ge=1)
    """A feature active in fewer fragments is left out, and counted."""
    ranking: Literal["max", "mean"] = "max"
    """What makes a fragment strong."""
    apart: Literal["documents", "fragments"] = "documents"
    """What the explainer never sees of the text scored on; ``fragments`` is as published."""

    def protocol(self) -> Protocol:
        """Return the same as the protocol of exhibits."""
        return Protocol(
            fragment_tokens=self.fragment_tokens,
            shown=self.shown,
            scored=self.scored,
            learned=self.learned,
            fewest=self.fewest,
            ranking=self.ranking,
            apart=self.apart,
        )


class ChatSettings(Configuration):
    """How a chat model is asked; what changes its answers."""

    prompts: str = "fragments-1"
    """A name of ``tacit list prompts``."""
    temperature: float | None = Field(default=None, ge=0)
    """None: the provider's own."""
    read: Literal["stated", "probabilities"] = "stated"
    """How a reader's activations are had: as numbers that it states, or, of a server that tells
    the probabilities of its prompt, as their expected values."""


class SpendingSettings(Configuration):
    """What chat models may cost, and how they are reached; none of it changes an answer."""

    base_url: str | None = None
    """Address of a server, for providers that run on one's own."""
    price_in: float | None = Field(default=None, ge=0)
    """Dollars for a million tokens read; None: as Inspect knows it."""
    price_out: float | None = Field(default=None, ge=0)
    """Dollars for a million tokens written."""
    max_cost: float | None = Field(default=None, gt=0)
    """Dollars that one call may spend; None: no limit."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens, read and written, that one call may spend; None: no limit."""
    at_once: int = Field(default=AT_ONCE, ge=1)
    """Features under way at once, and requests in flight."""

    def prices(self) -> Prices | None:
        """Return the prices that were given.

        Raises:
            UserError: where one of the two was.
        """
        if self.price_in is None and self.price_out is None:
            return None
        if self.price_in is None or self.price_out is None:
            raise UserError(
                "one price was given, and tokens that are read cost another than those written; "
                "give both --price-in and --price-out."
            )
        return Prices(input=self.price_in, output=self.price_out)

    def budget(self) -> Budget:
        """Return the budget of one call, without a limit where none was given."""
        return Budget(max_cost=self.max_cost, max_tokens=self.max_tokens)

    def of_chat_alone(self) -> list[str]:
        """Return the names of what was given that only a chat model has a use for."""
        names = ("base_url", "price_in", "price_out", "max_cost", "max_tokens")
        given = self.model_dump()
        return [name for name in names if given[name] is not None]


class ExplainSettings(Configuration):
    """All of ``tacit explain`` beside its run and features."""

    explainer: str = "lexical"
    """A name of ``tacit list explainers``, or a chat model as PROVIDER/MODEL."""
    name: str | None = None
    """Of the folder under ``RUN/explanations``; None: the explainer's."""
    num: int = Field(default=200, ge=1)
    """Features drawn from those that can be explained, where none are named."""
    exchanged: str = "lexical"
    """For ``random``: the name of the explanations that are dealt out anew."""
    protocol: ProtocolSettings = ProtocolSettings()
    chat: ChatSettings = ChatSettings()
    spending: SpendingSettings = SpendingSettings()
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)


class ScoreSettings(Configuration):
    """All of ``tacit score`` beside its run; protocol and seed are those of the explanations."""

    explainer: str | None = None
    """The name of the explanations; None: the only ones there are."""
    reader: str | None = None
    """A name of ``tacit list readers``, or a chat model; None: the explainer's own kind."""
    scorers: tuple[str, ...] = ()
    """Names of ``tacit list scorers``; none: all that the run allows but ``intervention``."""
    control: bool = True
    """Score the explanations of other features beside them, and tokens without context."""
    prefixes: int = Field(default=24, ge=3)
    """For ``intervention``: pairs of continuations."""
    shown_features: int = Field(default=16, ge=4)
    """Features that get a card in the report."""
    chat: ChatSettings = ChatSettings()
    spending: SpendingSettings = SpendingSettings()
