"""Erasing a concept from a site: by a projection, or by switching features off.

Whether it is gone is asked of a fresh probe, one that is linear and one that is not.
Axes: n rows, d width, c classes, f atoms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tacit.base.errors import UserError
from tacit.base.library_warnings import kept_warnings
from tacit.dictionaries.dictionary import Dictionary
from tacit.interventions.edits import Edit
from tacit.interventions.features import scale_features
from tacit.metrics.intervals import wilson
from tacit.metrics.student import student_ratio

Erase = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]
PROBES = ("linear", "mlp")


@final
@dataclass(frozen=True, kw_only=True)
class Eraser:
    """A way to take a concept out of rows, made from training rows alone."""

    name: str
    erase: Erase
    features: tuple[int, ...] = ()
    """Those switched off; none for a projection."""

    def edit(self, where: Bool[Tensor, "b t"] | None = None) -> Edit:
        """Return the edit of a site's value; at every position unless ``where`` names some."""

        def edit(value: Tensor) -> Tensor:
            there = slice(None) if where is None else where.to(value.device)
            rows = value[there].reshape(-1, value.shape[-1])
            out = value.clone()
            out[there] = self.erase(rows).to(value).reshape(value[there].shape)
            return out

        return edit


def projections(
    rows: Float[Tensor, "n d"], has_it: Bool[Tensor, " n"]
) -> dict[str, Eraser]:
    """Return the erasers of a concept that need no dictionary.

    ``leace`` moves rows least of all affine maps after which no linear probe beats chance
    (Belrose et al. 2023, arXiv:2306.03819); ``orth`` projects the covariance of rows and concept
    away at a right angle; ``mean difference`` projects onto the plane at a right angle to the
    difference of the two means, through their midpoint.
    """
    _check(rows, has_it)
    fitter = _leace_fitter()
    x, z = rows.double(), has_it.double()[:, None]
    made = {}
    for method in ("leace", "orth"):
        kind: Literal["leace", "orth"] = method
        # Shrinking the covariance would leave a trace of the concept in the training rows.
        eraser = fitter.fit(x, z, method=kind, shrinkage=False, svd_tol=1e-9).eraser
        made[method] = Eraser(
            name=method, erase=lambda own, e=eraser: e(own.double()).to(own)
        )
    means = x[has_it].mean(dim=0), x[~has_it].mean(dim=0)
    direction = (means[0] - means[1]) / (means[0] - means[1]).norm()
    middle = (means[0] + means[1]) / 2

    def flattened(own: Tensor) -> Tensor:
        away = (own.double() - middle) @ direction
        return (own.double() - torch.outer(away, direction)).to(own)

    made["mean difference"] = Eraser(name="mean difference", erase=flattened)
    return made


def feature_erasers(
    dictionary: Dictionary,
    rows: Float[Tensor, "n d"],
    has_it: Bool[Tensor, " n"],
    rng: np.random.Generator,
    *,
    few: int = 8,
) -> dict[str, Eraser]:
    """Return erasers that switch features off: the best one, the best ``few``, a random one.

    Best: largest difference in mean activation between rows with and without the concept, over
    the standard deviation of all rows. The random one is drawn from features that fire here.
    """
    _check(rows, has_it)
    code = dictionary.encode(rows).dense()
    spread = code.std(dim=0)
    fires = (spread > 0).nonzero()[:, 0]
    if len(fires) < few:
        raise UserError(
            f"{few} features were to be switched off, and {len(fires)} fire on the rows of the "
            "concept; lower few."
        )
    apart = (code[has_it].mean(dim=0) - code[~has_it].mean(dim=0)).abs()
    order = torch.where(spread > 0, apart / spread.clamp(min=1e-12), 0).argsort(
        descending=True, stable=True
    )
    chosen = {
        "best feature": order[:1],
        f"best {few} features": order[:few],
        "random feature": fires[[int(rng.integers(len(fires)))]],
    }
    return {
        name: _of_features(dictionary, name, tuple(features.tolist()))
        for name, features in chosen.items()
    }


def _of_features(dictionary: Dictionary, name: str, features: tuple[int, ...]) -> Eraser:
    edit = scale_features(dictionary, features, 0.0)
    return Eraser(name=name, erase=lambda rows: edit(rows[None])[0], features=features)


@final
@dataclass(frozen=True, kw_only=True)
class Probed:
    """How often a fresh probe, fitted to training rows, is right on held-out ones."""

    accuracy: float
    low: float
    high: float
    """95 % interval over held-out documents where they are known, else over rows (Wilson)."""
    chance: float
    """Accuracy of always saying what is commoner in the training rows."""

    @property
    def is_at_chance(self) -> bool:
        """Whether chance lies in the interval, or above it."""
        return self.low <= self.chance


def probe(
    train: tuple[Float[Tensor, "n d"], Bool[Tensor, " n"]],
    held_out: tuple[Float[Tensor, "m d"], Bool[Tensor, " m"]],
    *,
    documents: Int[np.ndarray, " m"] | None = None,
    seed: int = 0,
) -> Mapping[str, Probed]:
    """Return what a linear and a one-hidden-layer probe read off rows, by ``PROBES``.

    scikit-learn's logistic regression and MLP (64 units, early stopping), on rows scaled to unit
    variance over all entries. Rows of one document should stand on one side, and are alike: without
    the ``documents`` of the held-out rows the interval takes them for independent.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    for each in (train, held_out):
        _check(*each)
    scale = float(train[0].double().std().clamp(min=1e-12))
    x, y = (train[0].double() / scale).numpy(), train[1].numpy()
    far, truth = (held_out[0].double() / scale).numpy(), held_out[1].numpy()
    usual = bool(y.mean() > 0.5)
    chance = float((truth == usual).mean())
    makers = {
        "linear": LogisticRegression(max_iter=1_000),
        "mlp": MLPClassifier((64,), early_stopping=True, max_iter=200, random_state=seed),
    }
    found = {}
    for name in PROBES:
        # Small products: threads of BLAS would only wait for one another.
        with threadpool_limits(limits=1, user_api="blas"):
            right = makers[name].fit(x, y).predict(far) == truth
        low, high = _ends(right, documents)
        accuracy = float(right.mean())
        found[name] = Probed(accuracy=accuracy, low=low, high=high, chance=chance)
    return found


def _ends(
    right: Bool[np.ndarray, " m"], documents: Int[np.ndarray, " m"] | None
) -> tuple[float, float]:
    """Return the ends of the interval of a share of rows."""
    if documents is not None:
        place = np.unique(documents, return_inverse=True)[1]
        by_document = student_ratio(np.bincount(place, right), np.bincount(place))
        if by_document.ends is not None:
            low, high = by_document.ends
            return max(low, 0.0), min(high, 1.0)
    # One document, or documents that are all told alike, have no spread to go by.
    told = wilson(int(right.sum()), len(right))
    assert told.ends is not None, "rows were given"
    return told.ends


def _leace_fitter() -> Any:
    """Return concept-erasure's fitter; its import speaks of what torch will drop."""
    with kept_warnings(DeprecationWarning):
        try:
            from concept_erasure import LeaceFitter
        except ModuleNotFoundError as error:
            raise UserError(
                "concepts are erased with the package concept-erasure, which is not installed; "
                "`pip install tacit[erase]` brings it."
            ) from error
    return LeaceFitter


def _check(rows: Float[Tensor, "n d"], has_it: Bool[Tensor, " n"]) -> None:
    count = int(has_it.sum())
    if len(rows) != len(has_it) or not 1 < count < len(rows) - 1:
        raise UserError(
            f"a concept was given for {len(has_it)} of {len(rows)} rows, {count} of which have "
            "it; give one entry a row, with two rows or more on each side."
        )
