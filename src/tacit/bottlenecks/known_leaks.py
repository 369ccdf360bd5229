"""Readings that leak so many nats and no more: what measures of leakage are tried on.

Within a group of equal concepts, the classes lie on a line that crosses the readings in a direction
of the group's own, amid noise; then everything is mixed. Invertible mixing loses no information, so
the leak is that on the line, an integral over one dimension.

Axes: n images, k concepts, r readings, s classes of a group, p peaks, x points of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, final

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.base.errors import UserError, look_up
from tacit.base.seeds import stream

Cue = Literal["graded", "binary"]
_APART = 10.0
"""Of the two states of a binary cue, half their distance: noise hardly ever confuses them."""
_CONCEPT_SCALE = 4.0
_CONCEPTS = 12
_POINTS = 4001
_FARTHEST = 12.0


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KnownLeak:
    """Images of which it is known what their readings carry beyond the concepts."""

    labels: Int[np.ndarray, " n"]
    concepts: Bool[np.ndarray, "n k"]
    readings: Float[np.ndarray, "n r"]
    information: float
    """I(y; readings | c), in nats."""
    entropy: float
    """H(y | c), in nats."""


def known_leak(
    information: float,
    *,
    num_images: int = 2400,
    group_sizes: Sequence[int] = (2, 3, 4, 2, 3, 4, 2, 3),
    width: int = 20,
    cue_width: int = 3,
    cue: Cue = "graded",
    seed: int = 0,
) -> KnownLeak:
    """Return images whose readings carry so many nats of the class beyond the concepts.

    ``cue``: graded, so that classes stand in a row with normal noise about them; or binary, so
    that half of a group's classes mostly have one state and half mostly the other. All groups'
    directions lie within ``cue_width`` dimensions. The classes of a group are equally likely.

    Raises:
        UserError: where groups of these sizes cannot leak as much.
    """
    rng = stream(seed, "bottlenecks/known leak")
    sizes = np.array(group_sizes)
    shares = rng.dirichlet(np.full(len(sizes), 20.0))
    lines = _lines(information, sizes, shares, look_up(_CUES, cue, "cue"))
    group = rng.choice(len(sizes), num_images, p=shares)
    place = (rng.random(num_images) * sizes[group]).astype(np.int64)
    directions = np.zeros((len(sizes), width))
    drawn = rng.standard_normal((len(sizes), cue_width))
    directions[:, :cue_width] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    readings = rng.standard_normal((num_images, width))
    readings += directions[group] * _drawn(lines, group, place, rng)[:, None]
    codes = np.arange(len(sizes))[:, None] >> np.arange(_CONCEPTS) & 1 > 0
    codes = codes[:, rng.permutation(_CONCEPTS)]
    readings += _CONCEPT_SCALE * codes[group] @ rng.standard_normal((_CONCEPTS, width))
    mixing = np.eye(width) + rng.standard_normal((width, width)) / np.sqrt(width)
    return KnownLeak(
        labels=np.cumsum(sizes)[group] - sizes[group] + place,
        concepts=codes[group],
        readings=readings @ mixing,
        information=information,
        entropy=float(shares @ np.log(sizes)),
    )


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Line:
    """Where the classes of a group lie on its line: peaks of unit width."""

    places: Float[np.ndarray, " p"]
    shares: Float[np.ndarray, "s p"]


def information_on_line(
    places: Float[np.ndarray, " p"], shares: Float[np.ndarray, "s p"]
) -> float:
    """Return I(class; x) in nats, of equally likely classes that are sums of unit normals."""
    points = np.linspace(places.min() - 8, places.max() + 8, _POINTS)
    peaks = np.exp(-((points - places[:, None]) ** 2) / 2) / np.sqrt(2 * np.pi)
    density = shares @ peaks
    # Below the least float a density weighs nothing, but its logarithm would not be finite.
    log_ratio = np.log(density + 1e-300) - np.log(density.mean(axis=0) + 1e-300)
    return float((density * log_ratio).sum(axis=1).mean() * (points[1] - points[0]))


def _graded(size: int, distance: float) -> _Line:
    return _Line(places=(np.arange(size) - (size - 1) / 2) * distance, shares=np.eye(size))


def _binary(size: int, rightness: float) -> _Line:
    right = 0.5 + rightness / (2 * _FARTHEST)
    first = np.where(np.arange(size) < size // 2, right, 1 - right)
    return _Line(
        places=np.array([-_APART, _APART]), shares=np.stack([first, 1 - first], axis=1)
    )


_CUES = {"graded": _graded, "binary": _binary}


def _lines(
    information: float,
    sizes: Int[np.ndarray, " g"],
    shares: Float[np.ndarray, " g"],
    cue: Any,
) -> list[_Line]:
    from scipy.optimize import brentq  # pyright: ignore

    def missing(strength: float) -> float:
        found = {size: cue(size, strength) for size in set(sizes.tolist())}
        known = {
            s: information_on_line(each.places, each.shares) for s, each in found.items()
        }
        return float(shares @ [known[size] for size in sizes.tolist()]) - information

    if not 0 <= information <= missing(_FARTHEST) + information:
        raise UserError(
            f"a leak of {information:g} nats was asked of groups that can leak "
            f"{missing(_FARTHEST) + information:.3f}; give less, or larger groups."
        )
    strength = cast(Any, brentq)(missing, 0.0, _FARTHEST) if information > 0 else 0.0
    return [cue(size, strength) for size in sizes.tolist()]


def _drawn(
    lines: Sequence[_Line],
    group: Int[np.ndarray, " n"],
    place: Int[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " n"]:
    """Return where on its group's line each image has its peak."""
    found, throw = np.empty(len(group)), rng.random(len(group))
    for number, line in enumerate(lines):
        here = group == number
        until = line.shares[place[here]].cumsum(axis=1)
        peak = (throw[here][:, None] >= until).sum(axis=1)
        found[here] = line.places[np.minimum(peak, len(line.places) - 1)]
    return found
