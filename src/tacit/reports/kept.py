"""How much of the contexts a page keeps so that it stays small, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tacit.reports.cards import Card


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What one attempt at a page may hold; None where there is no bound."""

    contexts: int | None = None
    """Contexts of each kind, the first."""
    cards: int | None = None
    """Features of each list, the first."""


ATTEMPTS = (
    Allowance(),
    *(Allowance(contexts=count) for count in (16, 12, 10, 8, 6, 5, 4, 3, 2, 1, 0)),
    *(Allowance(contexts=0, cards=count) for count in (400, 200, 100, 50, 20)),
)
"""From everything to little: the first that fits is written."""


def keep(cards: Sequence[Card], allowance: Allowance) -> tuple[Card, ...]:
    """Return the cards that an allowance leaves, each with the contexts it leaves."""
    return tuple(
        replace(
            card,
            groups=tuple(
                replace(group, contexts=group.contexts[: allowance.contexts])
                for group in card.groups
            ),
        )
        for card in cards[: allowance.cards]
    )


def num_contexts(cards: Sequence[Card]) -> int:
    """Return how many contexts these cards show."""
    return sum(len(group.contexts) for card in cards for group in card.groups)


def notice(cards: Sequence[Card], kept: Sequence[Card], table: str, bound: str) -> str:
    """Return what a page says of what it leaves out; empty when it leaves nothing out."""
    all_contexts, some = num_contexts(cards), num_contexts(kept)
    if all_contexts == some and len(cards) == len(kept):
        return ""
    fewer = len(kept) < len(cards)
    features = f"{len(kept):,} of {len(cards):,} features and " if fewer else ""
    return (
        f"To stay under {bound} this page shows {features}{some:,} of {all_contexts:,} "
        f"contexts, the first of each kind. All of them are in {table}."
    )


def attempts(cards: Sequence[Card], most_bytes: int) -> Iterator[Allowance]:
    """Yield the allowances in turn, without those whose contexts alone are too many."""
    sizes = [
        [[len(context.text) for context in group.contexts] for group in card.groups]
        for card in cards
    ]
    for allowance in ATTEMPTS:
        size = sum(sum(group[: allowance.contexts]) for card in sizes for group in card)
        if size <= most_bytes:
            yield allowance
