"""How far is a mean over nested units, such as features of dictionaries of subjects?

Ten thousand features of three models are three independent things, not thirty thousand. Groups
are drawn anew at every level, from the outermost in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int, Real

from tacit.base.errors import UserError
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
