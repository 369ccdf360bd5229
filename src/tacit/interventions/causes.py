"""Which features of a shallower site a feature rests on, and how much of its activation.

Every cause is an ablation that was run. Beside those that are kept stand the drop when all of them
are ablated at once, and when as many other active features are.
Axes: n contexts, f features of the shallower site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.progress import Progress, silent
from tacit.base.seeds import stream
from tacit.interventions.ablations import Ablations, Contexts
from tacit.metrics.bootstrap import bootstrap_ratio
from tacit.metrics.choosing import rank_correlation
from tacit.metrics.intervals import Interval

By = Literal["ablation", "attribution"]
SHORTLIST = 8
"""By attribution, so many candidates are ablated for every child that may be kept."""


@final
@dataclass(frozen=True, kw_only=True)
class Growth:
    """How a tree is grown."""

    contexts: int = 20
    """Positions at which a feature is looked at, of those with half its largest activation."""
    children: int = 3
    """Most causes that are kept of one feature."""
    depth: int = 3
    """Sites below the root's, at most."""
    smallest: float = 0.01
    """Drop of a cause, as a share of the activation, below which it is let go."""
    by: By = "ablation"
    """``attribution``: only the candidates that it ranks first are ablated."""
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"contexts": self.contexts, "children": self.children, "depth": self.depth}
        for name, value in least.items():
            if value < 1:
                raise UserError(
                    f"a tree with {name} {value} was asked for; give 1 or more."
                )
        if self.smallest <= 0:
            raise UserError(
                f"a tree of causes from a share of {self.smallest} up was asked for; give one "
                "above 0."
            )


@final
@dataclass(frozen=True, kw_only=True)
class Drop:
    """By how much an activation falls, over contexts; intervals are over their documents."""

    mean: Interval
    """In units of the activation."""
    share: Interval
    """Sum of the drops over the sum of the activations."""


@final
@dataclass(frozen=True, kw_only=True)
class Cause:
    """A feature that another one rests on: an edge of the tree."""

    site: str
    feature: int
    drop: Drop
    attributed: float
    """The share of the activation to first order."""
    num_active: int
    """Contexts in which it is active at all."""


@final
@dataclass(frozen=True, kw_only=True)
class Causes:
    """What one feature rests on, and what was left out."""

    kept: tuple[Cause, ...]
    """The largest drop first."""
    joint: Drop | None
    """All that are kept, ablated at once; None where there are none."""
    control: Drop | None
    """As many others that are active in the same context, drawn for each context anew."""
    num_joint: int
    num_control: int
    """Ablations of both over all contexts: fewer of the control where fewer others are active."""
    num_candidates: int
    """Features of the shallower site that are active in any context."""
    num_not_ablated: int
    """Those that attribution ranked too low to be ablated."""
    num_below: int
    """Those with a smaller drop than asked for."""
    num_raising: int
    """Of these, those whose ablation raises the activation by the smallest share or more."""
    num_beyond: int
    """Those with a drop that is large enough, but smaller than that of all children."""
    rank_correlation: float | None
    """Of attribution with the ablations that were run."""

    @property
    def sum_of_shares(self) -> float:
        """What the kept ones would take together if their drops added up."""
        return sum(cause.drop.share.value for cause in self.kept)


def causes_of(
    ablations: Ablations, contexts: Contexts, growth: Growth, *, progress: Progress = silent
) -> Causes:
    """Return the features that a target rests on, those with the largest mean drop."""
    whole, active = ablations.activation.sum(), ablations.parts.candidates()
    candidates = active.any(dim=0)
    attributed = ablations.attributed().sum(dim=0) / whole
    tried = candidates
    if growth.by == "attribution":
        tried = _first(attributed, candidates, SHORTLIST * growth.children)
    drops = ablations.alone(tried, progress=progress)
    shares = drops.sum(dim=0) / whole
    enough = tried & (shares >= growth.smallest)
    chosen = _first(shares, enough, growth.children)
    drawn = _others(active & chosen, active & ~chosen, _rng(ablations, growth))

    def drop(fall: Float[Tensor, " n"]) -> Drop:
        return _drop(fall, ablations.activation, contexts, growth.seed)

    kept = tuple(
        Cause(
            site=ablations.parts.site,
            feature=number,
            drop=drop(drops[:, number]),
            attributed=float(attributed[number]),
            num_active=int(active[:, number].sum()),
        )
        for number in _ranked(torch.where(chosen, shares, -torch.inf))[: chosen.sum()]
    )
    return Causes(
        kept=kept,
        joint=drop(ablations.together(active & chosen)) if kept else None,
        control=drop(ablations.together(drawn)) if drawn.any() else None,
        num_joint=int((active & chosen).sum()),
        num_control=int(drawn.sum()),
        num_candidates=int(candidates.sum()),
        num_not_ablated=int((candidates & ~tried).sum()),
        num_below=int((tried & ~enough).sum()),
        num_raising=int((tried & (shares <= -growth.smallest)).sum()),
        num_beyond=int((enough & ~chosen).sum()),
        rank_correlation=_agreement(attributed[tried], shares[tried]),
    )


def _rng(ablations: Ablations, growth: Growth) -> np.random.Generator:
    target = ablations.target
    purpose = f"interventions/trees/control/{target.site}/{target.feature}"
    return stream(growth.seed, purpose)


def _ranked(scores: Float[Tensor, " f"]) -> list[int]:
    return scores.argsort(descending=True, stable=True).tolist()


def _first(
    scores: Float[Tensor, " f"], among: Bool[Tensor, " f"], count: int
) -> Bool[Tensor, " f"]:
    """Return which features of ``among`` have the largest scores."""
    found = torch.zeros_like(among)
    found[_ranked(torch.where(among, scores, -torch.inf))[:count]] = True
    return found & among


def _others(
    taken: Bool[Tensor, "n f"], free: Bool[Tensor, "n f"], rng: np.random.Generator
) -> Bool[Tensor, "n f"]:
    """Return a draw from each context's free features, as many as are taken there if it can."""
    found = torch.zeros_like(free)
    for context, count in enumerate(taken.sum(dim=1).tolist()):
        these = free[context].nonzero()[:, 0].cpu().numpy()
        drawn = rng.choice(these, min(count, len(these)), replace=False)
        found[context, torch.from_numpy(drawn).to(free.device)] = True
    return found


def _drop(
    fall: Float[Tensor, " n"],
    activation: Float[Tensor, " n"],
    contexts: Contexts,
    seed: int,
) -> Drop:
    """Return the fall over contexts, those of one document being one unit."""
    documents, owner = np.unique(contexts.document, return_inverse=True)
    falls, sizes = (
        np.bincount(owner, each.double().cpu().numpy(), len(documents))
        for each in (fall, activation)
    )
    counts = np.bincount(owner).astype(float)
    return Drop(
        mean=bootstrap_ratio(falls, counts, stream(seed, "interventions/trees/mean")),
        share=bootstrap_ratio(falls, sizes, stream(seed, "interventions/trees/share")),
    )


def _agreement(
    attributed: Float[Tensor, " m"], shares: Float[Tensor, " m"]
) -> float | None:
    first, second = (each.double().cpu().numpy() for each in (attributed, shares))
    return rank_correlation(-first, second)
