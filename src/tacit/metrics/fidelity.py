"""How much of an activation a dictionary gives back.

Axes: n rows, d activation width, u units (documents) that the rows belong to.
All sums are float64 and about a running mean, so the answer does not depend on the batching.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tacit.base.errors import UserError


@final
@dataclass(frozen=True, kw_only=True)
class UnitSums:
    """A ratio of sums taken apart by unit, for ``bootstrap_ratio``."""

    units: Int[np.ndarray, " u"]
    """Identifiers as given to ``add``, ascending."""
    numerators: Float[np.ndarray, " u"]
    """Squared error of the unit's rows, summed over rows and dimensions."""
    denominators: Float[np.ndarray, " u"]
    """Squared distance of the unit's rows from the mean row of the whole sample."""


@final
class VarianceUnexplained:
    """The fraction of variance unexplained of a sample that arrives in pieces.

    Each unit keeps its count, mean and sums (8 bytes times d for every unit); they merge
    without cancellation (Chan, Golub and LeVeque 1983). Without units all rows are one unit.
    """

    def __init__(self) -> None:
        """Start with no rows."""
        self._row_of: dict[int, int] = {}
        self._has_units: bool | None = None
        # The first row seen. Everything is measured from it: a constant sample then has a
        # spread of exactly 0, and a common offset costs no digits.
        self._origin = torch.empty(0)
        self._counts = self._means = self._spreads = self._errors = torch.empty(0)

    def add(
        self,
        original: Float[Tensor, "n d"],
        rebuilt: Float[Tensor, "n d"],
        units: Int[Tensor, " n"] | Int[np.ndarray, " n"] | None = None,
    ) -> None:
        """Take in n rows; ``units`` tells for each row the document (or other unit) it is of.

        Raises ``UserError`` when a value is not finite, when the shapes differ, or when only
        some of the batches come with units.
        """
        if original.shape != rebuilt.shape:
            raise UserError(
                f"the rebuilt rows have shape {tuple(rebuilt.shape)} and the original ones "
                f"{tuple(original.shape)}: give both for the same rows."
            )
        if self._has_units not in (None, units is not None):
            raise UserError(
                "some batches were added with units and some without: choose one."
            )
        if original.shape[0] == 0:
            return
        self._check_width(original)
        x = original.detach().double()
        errors = _squared_lengths(x - rebuilt.detach().double())
        _check_finite(original, rebuilt, float(errors.sum()))
        self._has_units = units is not None
        if units is None:
            known, row_unit = [0], torch.zeros(len(x), dtype=torch.long)
        else:
            given = units.cpu().numpy() if isinstance(units, Tensor) else units
            unique, inverse = np.unique(given, return_inverse=True)
            known, row_unit = [int(unit) for unit in unique], torch.as_tensor(inverse)
        row_unit = row_unit.to(x.device)
        self._merge(self._rows(known, x), row_unit, x - self._origin, errors)

    def value(self) -> float:
        """Return the fraction over all rows so far, as ``fraction_variance_unexplained`` does.

        Raises ``UserError`` when no rows came or when all rows are equal.
        """
        denominators = self._spreads_about_the_mean()
        return float(self._errors[: len(self._row_of)].sum() / denominators.sum())

    def unit_sums(self) -> UnitSums:
        """Return numerator and denominator by unit; their totals give ``value()``.

        The denominators are about the mean of the whole sample, which a bootstrap over units
        therefore holds fixed.
        """
        if not self._has_units:
            raise UserError(
                "sums by unit were asked of rows added without units: pass units."
            )
        denominators = self._spreads_about_the_mean().cpu().numpy()
        units = np.array(list(self._row_of), dtype=np.int64)
        order = np.argsort(units)
        return UnitSums(
            units=units[order],
            numerators=self._errors[: len(units)].cpu().numpy()[order],
            denominators=denominators[order],
        )

    def _check_width(self, original: Tensor) -> None:
        if self._has_units is None:
            # A copy: the caller may overwrite its block.
            self._origin = original[0].detach().to(torch.float64, copy=True)
        elif original.shape[1] != len(self._origin):
            raise UserError(
                f"rows of width {original.shape[1]} were added to rows of width "
                f"{len(self._origin)}: keep one accumulator for each site."
            )

    def _rows(self, known: list[int], like: Tensor) -> Tensor:
        """Return the storage row of every unit, making room for those seen first."""
        rows = [self._row_of.setdefault(unit, len(self._row_of)) for unit in known]
        missing = len(self._row_of) - len(self._counts)
        if missing > 0:
            room = max(missing, len(self._counts))  # doubling keeps the copies cheap
            empty = torch.zeros(room, dtype=torch.float64, device=like.device)
            wide = empty.new_zeros(room, like.shape[1])
            first = len(self._counts) == 0
            self._counts = empty if first else torch.cat([self._counts, empty])
            self._errors = empty.clone() if first else torch.cat([self._errors, empty])
            self._spreads = empty.clone() if first else torch.cat([self._spreads, empty])
            self._means = wide if first else torch.cat([self._means, wide])
        return torch.tensor(rows, device=like.device)

    def _merge(self, rows: Tensor, row_unit: Tensor, x: Tensor, errors: Tensor) -> None:
        """Merge the batch's count, mean and spread of each unit in; overwrites ``x``."""
        counts = torch.bincount(row_unit, minlength=len(rows)).double()
        none = torch.zeros_like(counts)
        # From the batch's mean, so that the difference of squares below loses nothing that
        # counts beside the batch's own spread; what rounding leaves below 0 is 0.
        middle = x.mean(dim=0)
        x -= middle
        means = (
            x.new_zeros(len(rows), x.shape[1]).index_add_(0, row_unit, x) / counts[:, None]
        )
        squares = none.index_add(0, row_unit, _squared_lengths(x))
        spreads = (squares - counts * _squared_lengths(means)).clamp(min=0)
        means += middle
        before = self._counts[rows]
        total = before + counts
        shift = means - self._means[rows]
        between = _squared_lengths(shift) * before * counts / total
        self._counts[rows] = total
        self._means[rows] += shift * (counts / total)[:, None]
        self._spreads[rows] += spreads + between
        self._errors[rows] += none.index_add(0, row_unit, errors)

    def _spreads_about_the_mean(self) -> Tensor:
        if not self._row_of:
            raise UserError(
                "the variance unexplained of no rows was asked: add rows first."
            )
        seen = len(self._row_of)
        counts, means = self._counts[:seen], self._means[:seen]
        centre = (counts[:, None] * means).sum(dim=0) / counts.sum()
        spreads = self._spreads[:seen] + counts * _squared_lengths(means - centre)
        if float(spreads.sum()) == 0:
            raise UserError(
                f"the variance unexplained was asked of {int(counts.sum())} rows that are all "
                "equal: there is no variance to explain; give rows that differ."
            )
        return spreads


def fraction_variance_unexplained(
    original: Float[Tensor, "n d"], rebuilt: Float[Tensor, "n d"]
) -> float:
    """Return ``sum |x - x_hat|^2 / sum |x - mean(x)|^2``, both sums over all n rows.

    Range: 0 (exact) upwards; 1 is what predicting the mean row scores. Lower is better.
    Caution: the mean is that of the rows given, so never average this over batches; a sample
    in pieces goes through ``VarianceUnexplained``.
    Raises ``UserError`` on values that are not finite and on rows that are all equal.
    Source: the normalised MSE of Gao et al. 2024, arXiv:2406.04093.
    """
    sample = VarianceUnexplained()
    sample.add(original, rebuilt)
    return sample.value()


def _squared_lengths(rows: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    return torch.einsum("nd,nd->n", rows, rows)


def _check_finite(original: Tensor, rebuilt: Tensor, total_error: float) -> None:
    # A value that is not finite always reaches the total, so the common case costs one look.
    if np.isfinite(total_error):
        return
    bad = {
        name: int((~torch.isfinite(rows)).any(dim=1).sum())
        for name, rows in (("original", original), ("rebuilt", rebuilt))
    }
    raise UserError(
        f"the variance unexplained was asked of {len(original)} rows, of which "
        f"{bad['original']} original and {bad['rebuilt']} rebuilt ones are not finite (or too "
        "large to square): find what overflowed, or leave those rows out and count them."
    )
