"""What an explainer sees of a feature, and the other text on which its explanation is scored.

Axes: t tokens of one fragment, m fragments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError
from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.fragments import FRAGMENT_TOKENS, Firings, Fragments

Kind = Literal["top", "random", "any", "silent"]
"""Strongest; random among those where it is active; any at all; random where it is silent."""
SCALE = 10
"""Activations are shown as whole numbers from 0 to this, as published."""


@final
@dataclass(frozen=True, kw_only=True)
class Piece:
    """Text as a reader of an explanation sees it: without activations."""

    tokens: tuple[str, ...]
    ids: Int[np.ndarray, " t"]
    rows: Int[np.ndarray, " t"]
    """Rows of the index's token table, where labels stand."""


@final
@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A piece with a feature's activation on each token."""

    piece: Piece
    values: Float[np.ndarray, " t"]
    known: Bool[np.ndarray, " t"]
    """Tokens whose activation is known; others are not scored."""
    fragment: int
    kind: Kind

    def scaled(self, largest: float) -> Int[np.ndarray, " t"]:
        """Return activations as whole numbers, ``largest`` as ``SCALE``."""
        shares = self.values / largest
        return np.clip(np.rint(shares * SCALE), 0, SCALE).astype(int)


@final
@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How fragments are chosen; the defaults are as published but for ``apart``."""

    fragment_tokens: int = FRAGMENT_TOKENS
    shown: int = 5
    """Strongest fragments that an explainer sees."""
    scored: int = 5
    """Fragments of each kind on which an explanation is scored."""
    learned: int = 40
    """Fragments of each kind that explainers without a model may learn from."""
    fewest: int = 20
    """A feature active in fewer fragments is left out, and counted."""
    ranking: Literal["max", "mean"] = "max"
    """What makes a fragment strong; the first post took the mean, the paper the maximum."""
    apart: Literal["documents", "fragments"] = "documents"
    """What the explainer never sees of the text scored on: its documents, or, as published,
    only those fragments themselves."""

    def __post_init__(self) -> None:
        if min(self.shown, self.scored, self.learned, self.fewest) < 1:
            raise UserError(
                f"shown {self.shown}, scored {self.scored}, learned {self.learned} and fewest "
                f"{self.fewest} were asked for; each must be 1 or more."
            )


@final
@dataclass(frozen=True, kw_only=True)
class Exhibits:
    """The fragments of one feature."""

    feature: int
    dictionary: str
    shown: tuple[Excerpt, ...]
    """Strongest first: what a chat model is shown."""
    learned: tuple[Excerpt, ...]
    """Of the same text, more and of the kinds top, random and silent; ``shown`` among them."""
    scored: tuple[Excerpt, ...]
    """Of other text, of all four kinds."""
    largest: float
    """Largest activation in the text that explainers see."""
    num_active: int
    """Fragments, of all text, in which it is active."""
    num_fragments: int

    def of(self, *kinds: Kind) -> list[Excerpt]:
        """Return the excerpts to score of some kinds."""
        return [each for each in self.scored if each.kind in kinds]


def exhibits_of(
    fragments: Fragments, fired: Firings, feature: int, protocol: Protocol, seed: int
) -> Exhibits | Gap:
    """Return a feature's fragments, or why it is left out."""
    active = fired.active
    strength = fired.largest if protocol.ranking == "max" else fired.total
    order = active[np.argsort(-strength, kind="stable")]
    rng = stream(seed, f"explanations/exhibits/{feature}")
    seen, unseen = _sides(fragments, order, protocol)
    lacking = what_lacks(len(seen), len(unseen), protocol)
    if lacking is not None:
        return Gap(name="explanation", reason=lacking, of={"feature": feature})
    is_active = _among(active, fragments)
    other = _to_score_on(fragments, seen, unseen, protocol)
    learned = _drawn(seen, np.flatnonzero(~other & ~is_active), None, protocol.learned, rng)
    silent, every = np.flatnonzero(other & ~is_active), np.flatnonzero(other)
    scored = _drawn(unseen, silent, every, protocol.scored, rng)
    made = [_excerpts(fragments, fired, chosen) for chosen in (learned, scored)]
    largest = max(float(each.values.max()) for each in made[0])
    return Exhibits(
        feature=feature,
        dictionary=fragments.dictionary,
        shown=tuple(made[0][: protocol.shown]),
        learned=tuple(made[0]),
        scored=tuple(made[1]),
        largest=largest,
        num_active=len(active),
        num_fragments=len(fragments),
    )


def what_lacks(num_seen: int, num_unseen: int, protocol: Protocol) -> str | None:
    """Return why a feature active in so many fragments of either side is left out, or None."""
    if num_seen + num_unseen < protocol.fewest:
        return f"active in {num_seen + num_unseen} fragments, fewer than {protocol.fewest}"
    if num_unseen < 2 * protocol.scored or num_seen < protocol.shown:
        return (
            f"active in {num_seen} fragments to explain by and {num_unseen} to score on; "
            f"{protocol.shown} and {2 * protocol.scored} are needed"
        )
    return None


def piece_of(fragments: Fragments, number: int) -> Piece:
    """Return a fragment as a reader sees it."""
    stands = fragments.rows[number] >= 0
    return Piece(
        tokens=fragments.tokens(number),
        ids=fragments.ids[number][stands],
        rows=fragments.rows[number][stands],
    )


def _sides(
    fragments: Fragments, order: Int[np.ndarray, " m"], protocol: Protocol
) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
    """Return active fragments to explain by and those to score on, each strongest first."""
    if protocol.apart == "documents":
        held = fragments.held_out[order]
        return order[~held], order[held]
    # As published: the strongest fragments are dealt out in turn.
    return order[0::2], order[1::2]


def _to_score_on(
    fragments: Fragments,
    seen: Int[np.ndarray, " a"],
    unseen: Int[np.ndarray, " b"],
    protocol: Protocol,
) -> Bool[np.ndarray, " n"]:
    """Return which fragments, silent ones too, no explainer sees anything of."""
    if protocol.apart == "documents":
        return fragments.held_out
    other = np.arange(len(fragments)) % 2 == 1
    other[seen], other[unseen] = False, True
    return other


def _among(chosen: Int[np.ndarray, " m"], fragments: Fragments) -> Bool[np.ndarray, " n"]:
    found = np.zeros(len(fragments), dtype=bool)
    found[chosen] = True
    return found


def _drawn(
    active: Int[np.ndarray, " a"],
    silent: Int[np.ndarray, " b"],
    every: Int[np.ndarray, " c"] | None,
    count: int,
    rng: np.random.Generator,
) -> dict[Kind, Int[np.ndarray, " m"]]:
    """Return fragment numbers by kind: as many of each as asked for, or all there are."""

    def some(numbers: np.ndarray) -> np.ndarray:
        return rng.choice(numbers, size=min(count, len(numbers)), replace=False)

    found: dict[Kind, np.ndarray] = {
        "top": active[:count],
        "random": some(active[count:]),
        "silent": some(silent),
    }
    return found if every is None else {**found, "any": some(every)}


def _excerpts(
    fragments: Fragments, fired: Firings, chosen: dict[Kind, Int[np.ndarray, " m"]]
) -> list[Excerpt]:
    found = []
    for kind, numbers in chosen.items():
        values = fired.values(numbers, fragments.rows.shape[1])
        for number, own in zip(numbers.tolist(), values, strict=True):
            stands = fragments.rows[number] >= 0
            found.append(
                Excerpt(
                    piece=piece_of(fragments, number),
                    values=own[stands],
                    known=fragments.known[number][stands],
                    fragment=number,
                    kind=kind,
                )
            )
    return found
