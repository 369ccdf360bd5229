"""How far is a mean over units at several levels, such as features of dictionaries of subjects?

Ten thousand features of three models are three independent things, not thirty thousand. Nested
groups are drawn anew at every level, from the outermost in. Where all outer units share the same
inner ones, as seeds measured on the same documents do, both are drawn and every outer unit sees
the same draw. Axes: s, t outer units, n inner units, c sums, r resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Real

from tacit.base.errors import UserError
from tacit.metrics.bootstrap import OfSums
from tacit.metrics.intervals import (
    DEFAULT_RESAMPLING,
    Interval,
    Resampling,
    read_ends,
    root_seed,
    without_ends,
)

_DRAWS_AT_ONCE = 100_000  # few, for the cache


@final
@dataclass(frozen=True, kw_only=True)
class _Group:
    """A node of the tree of units: groups, or the values of the innermost ones."""

    parts: tuple["_Group", ...]
    values: np.ndarray

    def mean(self) -> float:
        if not self.parts:
            return float(self.values.mean())
        return sum(part.mean() for part in self.parts) / len(self.parts)

    def draws(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return the means of ``count`` independent resamples of what is inside."""
        if not self.parts:
            n = len(self.values)
            at_once = max(1, _DRAWS_AT_ONCE // n)
            blocks = [min(at_once, count - start) for start in range(0, count, at_once)]
            return np.concatenate(
                [self.values[rng.integers(0, n, (rows, n))].mean(axis=1) for rows in blocks]
            )
        picks = rng.integers(0, len(self.parts), (count, len(self.parts)))
        drawn = np.empty(picks.shape)
        for number, part in enumerate(self.parts):
            # A group drawn twice is resampled inside twice, each time anew.
            chosen = picks == number
            times = int(chosen.sum())
            if times:
                drawn[chosen] = part.draws(times, rng)
        return drawn.mean(axis=1)


def hierarchical_bootstrap(
    values: Real[np.ndarray, " n"],
    groups: Sequence[Int[np.ndarray, " n"]],
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
) -> Interval:
    """Return the mean of the means of nested groups, with its interval over the outermost.

    ``groups`` gives for every value its group at each level, outermost first: for features,
    ``(subject, dictionary)``. A group is told apart within the one around it. All groups of
    one group weigh the same, however many values they hold. ``n`` is the number of outermost
    groups; with one of them there is no interval.
    Caution: a handful of outermost groups gives too narrow an interval, whatever is inside.
    Source: Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8.
    """
    if resampling.method != "percentile":
        raise UserError(
            f"a hierarchical bootstrap by {resampling.method!r} was asked: it is defined for "
            "'percentile' alone."
        )
    _check(values, groups)
    tree = _grouped(values.astype(np.float64), [np.asarray(level) for level in groups])
    value, n, level = tree.mean(), len(tree.parts), resampling.level
    method = f"hierarchical percentile {resampling.repeats}"
    seed = root_seed(rng)
    if n == 1:
        reason = "one outermost group says nothing of the spread"
        return without_ends(value, n, method, reason, level, seed)
    ends = read_ends(value, tree.draws(resampling.repeats, rng), None, resampling)
    assert not isinstance(ends, str), "a mean of finite values is finite"
    return Interval(
        value=value, low=ends[0], high=ends[1], n=n, method=method, level=level, seed=seed
    )


def crossed_bootstrap(
    first: Real[np.ndarray, "s n c"],
    second: Real[np.ndarray, "t n c"] | None,
    statistic: OfSums,
    rng: np.random.Generator,
    resampling: Resampling = DEFAULT_RESAMPLING,
    *,
    in_pairs: bool = False,
) -> Interval:
    """Return a statistic of sums over inner units, averaged over outer ones, with its interval.

    With ``second``, how much the first's exceeds it: both sides see the same draw of the inner
    units, so the difference is paired. Outer units are drawn for each side by itself, or, with
    ``in_pairs``, the same on both. ``n`` counts the outer units of the side that has fewer, a
    side with one left out, as it has no spread to show; inner units where neither has more.
    Source: the pigeonhole bootstrap of Owen 2007, arXiv:0712.1111.
    """
    sides = [first.astype(np.float64)]
    sides += [] if second is None else [second.astype(np.float64)]
    _check_crossed(sides, resampling, in_pairs=in_pairs)
    num_inner, level, seed = first.shape[1], resampling.level, root_seed(rng)
    even = [np.full((1, len(side)), 1 / len(side)) for side in sides]
    value = float(_excess(sides, statistic, np.ones((1, num_inner)), even)[0])
    if not np.isfinite(value):
        raise UserError(
            f"a crossed bootstrap of a statistic that is {value} on its {num_inner} units was "
            "asked: it is not defined there; record a Gap instead."
        )
    outer = [len(side) for side in sides if len(side) > 1]
    n, method = min(outer, default=num_inner), f"crossed percentile {resampling.repeats}"
    if n == 1:
        reason = "one unit says nothing of the spread"
        return without_ends(value, n, method, reason, level, seed)
    draws: list[np.ndarray] = []
    at_once = max(1, _DRAWS_AT_ONCE // num_inner)
    for start in range(0, resampling.repeats, at_once):
        rows = min(at_once, resampling.repeats - start)
        counts = _drawn(rng, num_inner, rows)
        weights = [_drawn(rng, len(side), rows) / len(side) for side in sides]
        weights = [weights[0]] * len(sides) if in_pairs else weights
        draws.append(_excess(sides, statistic, counts, weights))
    ends = read_ends(value, np.concatenate(draws), None, resampling)
    if isinstance(ends, str):
        return without_ends(value, n, method, ends, level, seed)
    low, high = ends
    return Interval(
        value=value, low=low, high=high, n=n, method=method, level=level, seed=seed
    )


def _excess(
    sides: list[Float[np.ndarray, "_ n c"]],
    statistic: OfSums,
    counts: Float[np.ndarray, "r n"],
    weights: list[Float[np.ndarray, "r _"]],
) -> Float[np.ndarray, " r"]:
    """Return the first side's weighted mean over outer units, less that of any second side."""
    means: list[np.ndarray] = []
    for side, weight in zip(sides, weights, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.stack([statistic(counts @ sums) for sums in side], axis=1)
        # A unit that is not drawn may have no value.
        means.append(np.where(weight > 0, values * weight, 0.0).sum(axis=1))
    return means[0] if len(means) == 1 else means[0] - means[1]


def _drawn(rng: np.random.Generator, num: int, rows: int) -> Float[np.ndarray, "r n"]:
    """Return how often each of ``num`` units comes in each of ``rows`` resamples."""
    return rng.multinomial(num, np.full(num, 1 / num), size=rows).astype(np.float64)


def _check_crossed(
    sides: list[np.ndarray], resampling: Resampling, *, in_pairs: bool
) -> None:
    if resampling.method != "percentile":
        raise UserError(
            f"a crossed bootstrap by {resampling.method!r} was asked: it is defined for "
            "'percentile' alone."
        )
    shapes = [side.shape for side in sides]
    if any(0 in shape for shape in shapes) or len({shape[1:] for shape in shapes}) > 1:
        raise UserError(
            f"a crossed bootstrap of shapes {shapes} was asked: give at least one outer and one "
            "inner unit, and the same inner units on both sides."
        )
    if in_pairs and len({shape[0] for shape in shapes}) > 1:
        raise UserError(
            f"outer units were to be drawn in pairs, and there are {[s[0] for s in shapes]} of "
            "them: give as many on both sides, or draw them apart."
        )
    if not all(np.isfinite(side).all() for side in sides):
        raise UserError("values that are not finite were given to a crossed bootstrap.")


def _grouped(values: np.ndarray, levels: list[np.ndarray]) -> _Group:
    if not levels:
        return _Group(parts=(), values=values)
    outer, inner = levels[0], levels[1:]
    order = np.argsort(outer, kind="stable")
    starts = np.flatnonzero(np.diff(outer[order])) + 1
    parts = tuple(
        _grouped(values[rows], [level[rows] for level in inner])
        for rows in np.split(order, starts)
    )
    return _Group(parts=parts, values=values)


def _check(values: np.ndarray, groups: Sequence[np.ndarray]) -> None:
    if len(values) == 0 or not groups:
        raise UserError(
            f"a hierarchical bootstrap of {len(values)} values in {len(groups)} levels of groups "
            "was asked: give at least one of each, or use bootstrap_mean."
        )
    lengths = [len(level) for level in groups]
    if any(length != len(values) for length in lengths):
        raise UserError(
            f"{len(values)} values were given with groups for {lengths}: give the group of every "
            "value at every level."
        )
    if not np.isfinite(values).all():
        raise UserError(
            "values that are not finite were given to a hierarchical bootstrap."
        )
