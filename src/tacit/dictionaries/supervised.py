"""Directions made from labels: what a dictionary could find had it been told what to look for.

Axes: n rows, d width, l labels (one atom each). ``SUPERVISED`` stands apart from ``METHODS``,
whose members see rows alone.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tacit.base.errors import UserError
from tacit.dictionaries.dictionary import Dictionary, InputContract
from tacit.dictionaries.gains import best_gain
from tacit.dictionaries.gathered import watched
from tacit.dictionaries.methods import require, require_fitting_k
from tacit.dictionaries.selections import Relu, TopKPositive


@final
@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Rows with what is known of each; of training documents only, or the rest is no test."""

    rows: Float[Tensor, "n d"]
    labels: dict[str, Bool[Tensor, " m"]]
    """For each label, which rows have it; the atoms come in this order."""

    def __post_init__(self) -> None:
        if not self.labels:
            raise UserError(
                "no labels were given; supervised directions need at least one."
            )
        if not torch.isfinite(self.rows.sum(dtype=torch.float64)):
            raise UserError("the labelled rows hold NaN or infinity; leave those rows out.")
        for name, label in self.labels.items():
            count, size = int(label.sum()), len(self.rows)
            if len(label) != size or count in (0, size):
                raise UserError(
                    f"the label {name!r} has {len(label)} entries for {size} rows, {count} of "
                    "them true; a direction needs one entry a row, and rows on both sides."
                )


@dataclass(frozen=True, kw_only=True)
class Supervised(ABC):
    """A way to make one direction a label; a row's value is above zero where it says yes."""

    kind: ClassVar[str]
    """Key of ``SUPERVISED``."""

    k: int | None = None
    """Most atoms active in a row; None keeps every one above zero."""

    def __post_init__(self) -> None:
        require("k", self.k, "1 or more, or None", holds=self.k is None or self.k >= 1)

    @abstractmethod
    def planes(
        self, centred: Float[np.ndarray, "n d"], has_label: Bool[np.ndarray, "n l"]
    ) -> tuple[Float[np.ndarray, "l d"], Float[np.ndarray, "l"], dict[str, Any]]:
        """Return a normal and an offset a label, positive where it is likelier, and an outcome."""

    def fit(
        self, given: LabelledRows, *, contract: InputContract | None = None
    ) -> Dictionary:
        """Return the directions of the labels, in their order; nothing is drawn.

        A value is the distance from the plane that separates a label, times one least-squares
        gain for all, without which directions that overlap would rebuild worse than the mean.
        """
        x = given.rows.detach().cpu().double()
        centre, names = x.mean(dim=0), list(given.labels)
        require_fitting_k(self.k or 1, len(names))
        has_label = torch.stack(list(given.labels.values()), dim=1).cpu().numpy()
        normals, offsets, outcome = self.planes((x - centre).numpy(), has_label)
        length = np.linalg.norm(normals, axis=1)
        for name in (name for name, each in zip(names, length, strict=True) if each == 0):
            raise UserError(
                f"the label {name!r} has no direction: rows with and without it have one mean."
            )
        atoms = torch.from_numpy(normals / length[:, None]).float().contiguous()
        bias = torch.from_numpy(offsets / length).float()
        selection = Relu() if self.k is None else TopKPositive(k=self.k)
        gain = best_gain((x - centre).float(), atoms, atoms, bias, selection)
        return Dictionary(
            atoms=atoms,
            encoder=atoms * gain,
            encoder_bias=bias * gain,
            centre=centre.float(),
            scale=1.0,
            selection=selection,
            contract=contract or InputContract(),
            method=self.kind,
            settings=asdict(self),
            outcome={"labels": names, "num_vectors": len(x), **outcome},
            seed=0,
        )


@final
@dataclass(frozen=True, kw_only=True)
class DifferenceOfMeans(Supervised):
    """From the mean of the rows without a label to that of the rows with it.

    The plane lies midway. Marks and Tegmark 2023, arXiv:2310.06824 ("mass-mean").
    """

    kind: ClassVar[str] = "difference-of-means"

    def planes(
        self, centred: Float[np.ndarray, "n d"], has_label: Bool[np.ndarray, "n l"]
    ) -> tuple[Float[np.ndarray, "l d"], Float[np.ndarray, "l"], dict[str, Any]]:
        """Return the differences of the two means, and planes through their midpoints."""
        sums = has_label.T.astype(float) @ centred
        count = has_label.sum(axis=0)[:, None]
        with_it, without = (
            sums / count,
            (centred.sum(axis=0) - sums) / (len(centred) - count),
        )
        normals = with_it - without
        return normals, -(normals * (with_it + without) / 2).sum(axis=1), {}


@final
@dataclass(frozen=True, kw_only=True)
class LogisticProbes(Supervised):
    """The normal of the plane that a logistic regression separates a label by.

    scikit-learn's, with an L2 penalty, on rows scaled to unit variance over all entries; the plane
    lies where it gives even odds. Alain and Bengio 2016, arXiv:1610.01644.
    """

    kind: ClassVar[str] = "logistic-probes"

    inverse_penalty: float = 1.0
    """Weight of the rows' losses, summed, against half the squared length of the normal."""
    max_iterations: int = 200
    """Where each probe's descent ends, whether it has converged or not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weight, iterations = self.inverse_penalty, self.max_iterations
        require("inverse_penalty", weight, "above 0", holds=weight > 0)
        require("max_iterations", iterations, "1 or more", holds=iterations >= 1)

    def planes(
        self, centred: Float[np.ndarray, "n d"], has_label: Bool[np.ndarray, "n l"]
    ) -> tuple[Float[np.ndarray, "l d"], Float[np.ndarray, "l"], dict[str, Any]]:
        """Return the probes' weights and intercepts; the outcome counts the unconverged."""
        from sklearn.linear_model import LogisticRegression

        scale = np.sqrt(np.square(centred).mean())
        normals, offsets, not_converged = [], [], 0
        for column in has_label.T:
            probe = LogisticRegression(C=self.inverse_penalty, max_iter=self.max_iterations)
            with watched() as told:
                probe.fit(centred / scale, column)
            normals.append(probe.coef_[0])
            offsets.append(probe.intercept_[0])  # pyright: ignore
            not_converged += bool(told)
        outcome = {
            "has_converged": not not_converged,
            "num_not_converged": not_converged,
        }
        return np.stack(normals) / scale, np.array(offsets), outcome


SUPERVISED: dict[str, type[Supervised]] = {
    "difference-of-means": DifferenceOfMeans,
    "logistic-probes": LogisticProbes,
}
