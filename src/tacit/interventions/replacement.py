"""How few features carry a behaviour: KL to the counterfactual run against features patched.

Every basis is treated alike: its candidates are the features whose activation differs between the
two runs, ranked by attribution or eliminated greedily, and what it misses is left as it was.
Axes: n prompts, f atoms, c counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.progress import Progress, silent
from tacit.interventions.differences import CodeDifference
from tacit.interventions.patching import Patching, edit_magnitude
from tacit.metrics.replacing import reached_at, replacement_area

COUNTS = (*range(17), 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512)
"""Numbers of features patched, at which a curve is taken."""


@final
@dataclass(frozen=True, kw_only=True)
class Replacement:
    """A curve for every prompt; all features of the basis are the last of it."""

    num_patched: Float[np.ndarray, "n c"]
    """Features patched in each prompt: fewer than asked for where fewer differ."""
    distances: Float[np.ndarray, "n c"]
    """KL to the counterfactual run in nats; the first column has nothing patched."""
    magnitudes: Float[np.ndarray, "n c"]
    """Mean length of the edit over positions."""

    @property
    def shares(self) -> Float[np.ndarray, "n c"]:
        """The KL left, over that of the clean run."""
        return self.distances / self.distances[:, :1]

    def until(self, left: float) -> Float[np.ndarray, " n"]:
        """Return how many features bring each prompt's KL down to a share; inf if none do."""
        return reached_at(self.shares, self.num_patched, left)

    def magnitude_until(self, left: float) -> Float[np.ndarray, " n"]:
        """Return the edit's length there; inf if the share is never reached."""
        return reached_at(self.shares, self.magnitudes, left)

    def area(self, most: int) -> float:
        """Return ``metrics.replacement_area`` up to ``most`` features."""
        return replacement_area(self.num_patched, self.shares, most)


def ranked_by_prompt(effects: Float[Tensor, "n f"]) -> Int[Tensor, "n f"]:
    """Return each prompt's features, the largest effect first."""
    return effects.argsort(dim=1, descending=True, stable=True)


def ranked_in_common(effects: Float[Tensor, "m f"], count: int) -> Int[Tensor, "n f"]:
    """Return one order for ``count`` prompts: by mean effect over the prompts that chose it."""
    order = effects.mean(dim=0).argsort(descending=True, stable=True)
    return order.expand(count, -1)


def replacement_curve(
    runs: Patching,
    difference: CodeDifference,
    order: Int[Tensor, "n f"],
    *,
    counts: Sequence[int] = COUNTS,
    progress: Progress = silent,
) -> Replacement:
    """Return the curve of patching each prompt's first features of ``order``.

    Only candidates count: a feature whose activation does not differ is passed over for free.
    The last point of the curve patches every candidate.
    """
    candidates = difference.candidates()
    rank = torch.empty_like(order)
    stands = candidates.gather(1, order)
    rank.scatter_(1, order, torch.where(stands, stands.cumsum(dim=1) - 1, order.shape[1]))
    most = int(candidates.sum(dim=1).max())
    wanted = [*(count for count in counts if count < most), most]
    columns = []
    with progress("curve", len(wanted), "counts") as advance:
        for count in wanted:
            chosen = candidates & (rank < count)
            columns.append(measured(runs, difference, chosen))
            advance(1)
    numbers, distances, magnitudes = zip(*columns, strict=True)
    return Replacement(
        num_patched=np.stack(numbers, axis=1),
        distances=np.stack(distances, axis=1),
        magnitudes=np.stack(magnitudes, axis=1),
    )


def curve_of_sets(
    runs: Patching, difference: CodeDifference, sets: Sequence[Bool[Tensor, " f"]]
) -> Replacement:
    """Return the curve over sets of features that are patched in every prompt, and over none.

    Points are in each prompt's order of candidates patched.
    """
    count = len(runs.prompts)
    none = torch.zeros(difference.num_features, dtype=torch.bool)
    columns = [
        measured(runs, difference, chosen.expand(count, -1).to(difference.delta.device))
        for chosen in (none, *sets)
    ]
    numbers, distances, magnitudes = (
        np.stack(each, axis=1) for each in zip(*columns, strict=True)
    )
    order = numbers.argsort(axis=1, kind="stable")
    return Replacement(
        num_patched=np.take_along_axis(numbers, order, axis=1),
        distances=np.take_along_axis(distances, order, axis=1),
        magnitudes=np.take_along_axis(magnitudes, order, axis=1),
    )


def measured(
    runs: Patching, difference: CodeDifference, chosen: Bool[Tensor, "n f"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features patched, KL and length of the edit in each prompt."""
    change = difference.change(chosen)
    distance = runs.distances(difference.site, difference.clean + change)
    length = edit_magnitude(change, runs.prompts.mask.to(change.device))
    number = (chosen & difference.candidates()).sum(dim=1)
    return tuple(each.double().cpu().numpy() for each in (number, distance, length))  # type: ignore[return-value]


@final
@dataclass(frozen=True, kw_only=True)
class Elimination:
    """The features that one threshold keeps."""

    threshold: float
    """Rise of the mean KL, in nats, below which a feature is let go."""
    kept: Bool[Tensor, " f"]
    distance: float
    """Mean KL over the prompts it was chosen on, in nats."""
    num_passes: int
    """Patched runs of all prompts that it took."""


def eliminate(
    runs: Patching,
    difference: CodeDifference,
    thresholds: Sequence[float],
    rng: np.random.Generator,
    *,
    progress: Progress = silent,
) -> list[Elimination]:
    """Return what greedy elimination keeps at each threshold.

    All candidates are patched at first. In one random order for all thresholds each is left out,
    and stays out if the mean KL over prompts rises by less than the threshold. Conmy et al. 2023,
    arXiv:2304.14997, algorithm 1 on a flat graph, as in Cunningham et al. 2023.
    """
    candidates = difference.candidates().any(dim=0)
    order = rng.permutation(candidates.nonzero()[:, 0].cpu().numpy())
    found = []
    with progress("eliminate", len(order) * len(thresholds), "runs") as advance:
        for threshold in thresholds:
            kept = candidates.clone()
            change = difference.change(kept.expand(len(runs.prompts), -1))
            lowest = _mean(runs, difference, change)
            for feature in order:
                alone = torch.zeros_like(kept)
                alone[feature] = True
                without = change - difference.change(alone.expand(len(runs.prompts), -1))
                distance = _mean(runs, difference, without)
                if distance - lowest < threshold:
                    kept[feature], change, lowest = False, without, distance
                advance(1)
            found.append(
                Elimination(
                    threshold=threshold,
                    kept=kept,
                    distance=lowest,
                    num_passes=len(order) + 1,
                )
            )
    return found


def _mean(runs: Patching, difference: CodeDifference, change: Tensor) -> float:
    return float(runs.distances(difference.site, difference.clean + change).mean())
