"""What could choose a cell when the truth is unknown, and how well it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tacit.metrics.choosing import lost_by_choosing, rank_correlation
from tacit.studies.toy_superposition.cells import Cell

COLLAPSED = 0.95
"""Share of variance unexplained from which a cell counts as collapsed."""
Score = Callable[[Cell, Sequence[Cell]], float]
"""Score of a cell among all of its world's; the lowest is chosen. NaN: it has none."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A figure that needs no truth."""

    words: str
    score: Score


def _plateau(cell: Cell, cells: Sequence[Cell]) -> float:
    own = [each for each in cells if each.size == cell.size]
    return cell.fvu / max(each.fvu for each in own) + cell.l0 / max(
        max(each.l0 for each in own), math.ulp(1.0)
    )


def _negative(value: float | None) -> float:
    return math.nan if value is None else -value


PROXIES: Mapping[str, Proxy] = {
    "dead": Proxy(words="fewest dead atoms", score=lambda cell, _: float(cell.dead)),
    "larger": Proxy(
        words="most like the next larger dictionary",
        score=lambda cell, _: _negative(cell.larger),
    ),
    "larger, one to one": Proxy(
        words="most like the next larger dictionary, each atom matched once",
        score=lambda cell, _: _negative(cell.larger_matched),
    ),
    "other seed": Proxy(
        words="most like the same cell from another seed",
        score=lambda cell, _: _negative(cell.twin),
    ),
    "stickiness": Proxy(
        words="soonest through nine tenths of the loss's fall",
        score=lambda cell, _: cell.sticky,
    ),
    "plateau": Proxy(words="nearest to both losses' plateaus", score=_plateau),
    "fvu": Proxy(words="lowest FVU", score=lambda cell, _: cell.fvu),
    "aligned": Proxy(
        words="encoder most along its atoms (ours)", score=lambda cell, _: -cell.aligned
    ),
    "bits": Proxy(
        words="shortest description of a sample (ours)", score=lambda cell, _: cell.bits
    ),
}
"""Each proxy by its name; the last two are our own."""


def _truth(cells: Sequence[Cell]) -> np.ndarray:
    return np.array([cell.mmcs for cell in cells])


def lost(proxy: Proxy, cells: Sequence[Cell]) -> float | None:
    """Return the MMCS lost by choosing one world's cell by a proxy; None: none has a score.

    Ties go to the lower L0.
    """
    scores = np.array([proxy.score(cell, cells) for cell in cells])
    if np.isnan(scores).all():
        return None
    return lost_by_choosing(
        scores, _truth(cells), ties=np.array([cell.l0 for cell in cells])
    )


def lost_at_random(cells: Sequence[Cell]) -> float:
    """Return the MMCS lost by a cell drawn at random, on average."""
    truth = _truth(cells)
    return float(truth.max() - truth.mean())


def correlation(proxy: Proxy, cells: Sequence[Cell]) -> float | None:
    """Return the rank correlation of a proxy with the MMCS over one world's living cells."""
    alive = [cell for cell in cells if cell.fvu < COLLAPSED]
    scores = np.array([proxy.score(cell, cells) for cell in alive])
    return rank_correlation(scores, _truth(alive)) if alive else None


def best_price(cells: Sequence[Cell], size: int) -> float | None:
    """Return the alpha of most MMCS at a size, between grid points by a parabola in its logarithm.

    None where the best cell is the first or last of the grid: the best may lie outside.
    """
    row = sorted((cell for cell in cells if cell.size == size), key=lambda cell: cell.alpha)
    best = int(np.argmax([cell.mmcs for cell in row]))
    if best in (0, len(row) - 1):
        return None
    near = row[best - 1 : best + 2]
    bend, slope, _ = np.polyfit(
        [math.log(each.alpha) for each in near], [each.mmcs for each in near], 2
    )
    return math.exp(-slope / (2 * bend))
