"""What is spent on chat models, and where it stops."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import final

from tacit.base.errors import UserError

MILLION = 1_000_000


@final
@dataclass(frozen=True, kw_only=True)
class Usage:
    """What was spent on a chat model."""

    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = 0.0
    """None where the provider's price is not known."""
    num_unreported: int = 0
    """Answers whose provider told no token counts: theirs are missing above."""

    def __add__(self, other: Usage) -> Usage:
        """Return both together; of unknown price where one is."""
        known = self.dollars is not None and other.dollars is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            dollars=(self.dollars or 0) + (other.dollars or 0) if known else None,
            num_unreported=self.num_unreported + other.num_unreported,
        )

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


@final
@dataclass(frozen=True, kw_only=True)
class Prices:
    """Dollars for a million tokens. What a provider reads from its cache counts in full."""

    input: float
    output: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) and each >= 0 for each in (self.input, self.output)):
            raise UserError(
                f"prices of {self.input} and {self.output} dollars a million tokens were given; "
                "each must be 0 or more."
            )

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Return the dollars for so many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / MILLION


class BudgetReached(Exception):
    """Nothing new is begun; what has begun is finished and kept."""


@final
@dataclass(kw_only=True, eq=False)
class Budget:
    """The most that all askers who share it may spend; no limit where None."""

    max_cost: float | None = None
    """In dollars."""
    max_tokens: int | None = None
    """Read and written."""
    spent: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        for limit in (self.max_cost, self.max_tokens):
            if limit is not None and not limit > 0:
                raise UserError(
                    f"a budget of {limit} was given; give more than 0, or leave it out."
                )

    def add(self, usage: Usage) -> None:
        """Count what an answer cost."""
        self.spent += usage

    @property
    def share(self) -> float:
        """How much of the budget is spent, of the limit that is nearer; 1 when reached."""
        shares = [0.0]
        if self.max_cost is not None:
            assert self.spent.dollars is not None, "models without a price are refused"
            shares.append(self.spent.dollars / self.max_cost)
        if self.max_tokens is not None:
            shares.append(self.spent.tokens / self.max_tokens)
        return max(shares)

    def check(self) -> None:
        """Raise ``BudgetReached`` if it is, unless this is part of work that has begun."""
        if self.share >= 1 and _BEGUN.get() is not self:
            raise BudgetReached(self.reason())

    def reason(self) -> str:
        """Return what was spent of what, in words."""
        spent, said = self.spent, []
        if self.max_cost is not None:
            said.append(f"{spent.dollars or 0:.4g} of {self.max_cost:.4g} dollars")
        if self.max_tokens is not None:
            said.append(f"{spent.tokens:,} of {self.max_tokens:,} tokens")
        return f"the budget is reached: {' and '.join(said)} spent"

    @contextlib.contextmanager
    def work(self) -> Generator[None, None, None]:
        """Check here, then let all requests through until the work has ended.

        An answer is kept with the feature it is for: one half paid for is better finished.
        """
        self.check()
        token = _BEGUN.set(self)
        try:
            yield
        finally:
            _BEGUN.reset(token)


_BEGUN: ContextVar[Budget | None] = ContextVar("tacit_budget_of_work_begun", default=None)
"""Tasks inherit it: the requests that a piece of work makes at once are let through too."""
