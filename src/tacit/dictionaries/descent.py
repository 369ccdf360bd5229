"""A block seen through the dictionary: its sparse code, the error, and the gradients.

Axes: n rows, d width read, e width rebuilt, f atoms, m active entries, a dead atoms, c costs, g
groups. The work is done in slices, first of rows, then of atoms; see ``parallel``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from tacit.dictionaries.kernels import (
    ByAtom,
    by_atom,
    rows_per_block,
    weighted_rows,
)
from tacit.dictionaries.learned import READ_CENTRE, SKIP, Tensors
from tacit.dictionaries.look import Look, Piece, look_at
from tacit.dictionaries.parallel import Over
from tacit.dictionaries.ranks import Ranks
from tacit.dictionaries.rules import Rule, joined

# Multiplications in the encoder's product above which threads get slices of their own. Measured
# on two cores: at 2.7e8 slices take 1.5 times as long as whole operations, at 8.6e9 as long.
WORTH_SHARING = 4e9


def is_worth_sharing(tensors: Tensors, block: Float[Tensor, "n d"]) -> bool:
    """Return whether a step on this block is enough work to be given out in slices."""
    return not block.is_cuda and tensors["atoms"].numel() * len(block) > WORTH_SHARING


@dataclass(frozen=True, kw_only=True)
class Pass:
    """A block seen through the dictionary, with the gradients of squared error and penalty."""

    leaves: Tensors
    """Gradient of each leaf, mean over rows; ``with_offset`` completes that of the offset."""
    through: Float[Tensor, " f"]
    """Sum over rows of the gradients by pre-activation."""
    centred: Float[Tensor, "n d"]
    """Rows as the encoder sees them: less the learned centre, over the scale."""
    residual: Float[Tensor, "n e"]
    """Rebuilt rows less the true ones."""
    squared_error: Float[Tensor, ""]
    """Sum of the residual's squares."""
    spread: Float[Tensor, ""]
    """Sum over rows of the squared distance from their mean."""
    loss: Float[Tensor, ""]
    """What the gradients are of: error and penalty, mean over rows."""
    firings: Int[Tensor, " f"]
    """Rows in which each atom is active."""
    num_entries: int
    """Entries that have a value or a gradient, active or not."""
    costs: Float[Tensor, " c"]
    """The sums that the rule's penalty is made of."""
    of_dead: Float[Tensor, "n a"]
    """Pre-activations of the dead atoms."""
    cut: float = math.inf
    """Of a rule that spans rows: the smallest value kept; infinite where none was."""
    is_transcoder: bool = False
    """Whether the encoder reads other rows than those that the offset is added to."""

    def with_offset(self, encoder: Float[Tensor, "f d"], ranks: Ranks) -> Tensors:
        """Return the gradients with the offset's part through the encoder, if it reads it."""
        if self.is_transcoder:
            return self.leaves
        through_encoder = self.through @ encoder
        if ranks.by_atoms:
            through_encoder = ranks.summed(through_encoder)
        return {**self.leaves, "offset": self.leaves["offset"] - through_encoder}


@dataclass(frozen=True, kw_only=True)
class _Gather:
    """The gradients of atoms and encoder, on their way from rows to atoms."""

    listed: ByAtom
    weights: Tensor
    through: Tensor
    look: Look
    leaves: Tensors

    def at(self, part: slice) -> None:
        """Sum what a slice of atoms is due."""
        own = self.listed.part(part)
        of_encoder = weighted_rows(own, self.through, self.look.centred)
        for number, (first, last) in enumerate(pairwise((0, *self.look.edges))):
            inside = slice(max(first, part.start), min(last, part.stop))
            if inside.start < inside.stop:
                self.leaves["atoms"][inside] = weighted_rows(
                    self.listed.part(inside), self.weights, self.look.errors[number]
                )
        if "encoder" in self.leaves:
            self.leaves["encoder"][part] = of_encoder
        else:
            self.leaves["atoms"][part] += of_encoder


def sparse_pass(
    tensors: Tensors,
    block: Float[Tensor, "n d"],
    rule: Rule,
    over: Over,
    ranks: Ranks,
    *,
    dead: Int[Tensor, " a"],
    edges: Sequence[int] = (),
) -> Pass:
    """Return the pass of squared error and the rule's penalty, both mean over rows.

    Its gradients and sums are over the rows and atoms of this process (``together`` adds up), the
    spread and what a rule decides over those of all.

    Beyond the encoder's product only entries of the code are worked on, in bag sums. ``edges``:
    where nested dictionaries end, the last one being all atoms; the error is then the mean of
    theirs.
    """
    n, num_atoms = len(block), len(tensors["atoms"])
    look = look_at(tensors, block, rule, dead, tuple(edges) or (num_atoms,))
    pieces, cut = _pieces(look, over, ranks)
    error, descended, squares, total, left, costs = (
        torch.stack(each).sum(dim=0) for each in zip(*(p.sums for p in pieces), strict=True)
    )
    entries = joined([piece.entries for piece in pieces])
    firings = torch.bincount(entries["atoms"][entries["values"] > 0], minlength=num_atoms)
    active = mean_over_rows(firings.sum(), ranks)
    leaves, through = _gathered(look, entries, active, over)
    if SKIP in tensors:
        leaves[SKIP] = torch.mm(look.errors[0].T, look.centred).mul_(2 / n)
    return Pass(
        leaves={**leaves, "offset": left * (2 / n)},
        through=through,
        centred=look.centred,
        residual=look.residual,
        squared_error=error,
        spread=spread_of(squares, total, n, ranks),
        loss=descended / n + rule.penalty_of(costs, active, n),
        firings=firings,
        num_entries=len(entries["values"]),
        costs=costs,
        of_dead=look.of_dead,
        cut=cut,
        is_transcoder=READ_CENTRE in tensors,
    )


def _pieces(look: Look, over: Over, ranks: Ranks) -> tuple[list[Piece], float]:
    """Return what all slices of rows give, and the smallest value kept if rows are spanned."""
    n, size = len(look.block), rows_per_block(len(look.tensors["atoms"]))
    if not look.rule.spans_rows and not ranks.by_atoms:
        return over(n, size, look.at), math.inf
    found = over(n, size, lambda rows: (rows, look.encode(rows)))
    settled = look.rule.settled([code for _, code in found], ranks)
    if settled is None:
        return _pieces(replace(look, rule=look.rule.widened()), over, ranks)
    codes = {rows.start: code for (rows, _), code in zip(found, settled, strict=True)}
    size = found[0][0].stop
    if ranks.by_atoms:
        over(n, size, lambda rows: look.rebuild(rows, codes[rows.start]))
        torch.sub(ranks.summed(look.residual), look.goal, out=look.residual)
        look = replace(look, is_rebuilt=True)
    pieces = over(n, size, lambda rows: look.back(rows, codes[rows.start]))
    cut = min((float(c.values.min()) for c in settled if len(c.values)), default=math.inf)
    return pieces, ranks.least(cut)


def _gathered(
    look: Look, entries: dict[str, Tensor], num_active: Tensor, over: Over
) -> tuple[Tensors, Tensor]:
    """Return the gradients of all leaves but the offset, and of the pre-activations, by atom."""
    tensors, n = look.tensors, len(look.block)
    atoms, numbers = tensors["atoms"], entries["atoms"]
    gather = _Gather(
        listed=by_atom(numbers, entries["rows"], len(atoms)),
        weights=entries["values"] * (2 / n),
        through=entries["through"],
        look=look,
        leaves={
            name: torch.empty_like(tensors[name])
            for name in ("atoms", "encoder")
            if name in tensors
        },
    )
    over(len(atoms), atoms_per_slice(atoms), gather.at)

    def by_atoms(each: Tensor) -> Tensor:
        return torch.bincount(numbers, each, minlength=len(atoms)).to(atoms.dtype)

    through = by_atoms(entries["through"])
    own = {name: by_atoms(each) for name, each in entries.items() if name not in _ENTRIES}
    further = look.rule.leaves(own, num_active, n)
    return {**gather.leaves, "encoder_bias": through, **further}, through


_ENTRIES = ("values", "atoms", "rows", "through")


def atoms_per_slice(atoms: Float[Tensor, "f d"]) -> int:
    """Return how many atoms one thread works on; four matrices of theirs are in use at once."""
    return rows_per_block(4 * atoms.shape[1])


def mean_over_rows(own: Shaped[Tensor, "*s"], ranks: Ranks) -> Shaped[Tensor, "*s"]:
    """Return the mean over processes that have rows of their own; what is there otherwise."""
    return ranks.summed(own) / ranks.count if ranks.by_rows else own


def spread_of(
    squares: Float[Tensor, ""], total: Float[Tensor, " d"], num_rows: int, ranks: Ranks
) -> Float[Tensor, ""]:
    """Return the sum over all processes' rows of the squared distance from their mean."""
    if ranks.by_rows:
        squares, total = ranks.summed(squares), ranks.summed(total)
        num_rows *= ranks.count
    return squares - total.square().sum() / num_rows


def together(seen: Pass, ranks: Ranks) -> Pass:
    """Return the pass with gradients and sums of all processes' rows; its rows stay its own."""
    if not ranks.by_rows:
        return seen
    return replace(
        seen,
        leaves={name: mean_over_rows(each, ranks) for name, each in seen.leaves.items()},
        through=mean_over_rows(seen.through, ranks),
        squared_error=ranks.summed(seen.squared_error),
        loss=mean_over_rows(seen.loss, ranks),
        firings=ranks.summed(seen.firings),
        num_entries=int(mean_over_rows(torch.tensor(seen.num_entries), ranks)),
        costs=ranks.summed(seen.costs),
    )
