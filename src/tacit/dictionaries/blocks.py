"""Where a fit's rows come from: a stream of aligned blocks, any of which can be asked for.

Axes: n rows, d width.
"""

from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError, look_up
from tacit.base.seeds import stream


@runtime_checkable
class Blocks(Protocol):
    """Endless blocks of rows, the same at every call with the same number."""

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the places that rows come from."""
        ...

    def width(self, site: str) -> int:
        """Return the dimensions of a site's rows."""
        ...

    def block(self, i: int) -> dict[str, Float[Tensor, "n d"]]:
        """Return block ``i``: the same rows at every site."""
        ...


@final
@dataclass(frozen=True, kw_only=True)
class RowBlocks:
    """Blocks drawn from rows in memory, each epoch in an order of its own."""

    rows: dict[str, Float[Tensor, "m d"]]
    """All rows of each site, aligned."""
    block_rows: int
    """Rows of one block; what is left over waits for the next epoch's order."""
    seed: int
    """Decides the orders."""

    def __post_init__(self) -> None:
        counts = {len(rows) for rows in self.rows.values()}
        if len(counts) != 1 or not 1 <= self.block_rows <= max(counts):
            raise UserError(
                f"blocks of {self.block_rows} rows were asked of sites with {sorted(counts)} "
                "rows: give every site the same rows, and at least one block of them."
            )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the tensors given."""
        return tuple(self.rows)

    def width(self, site: str) -> int:
        """Return the dimensions of a site's rows."""
        return look_up(self.rows, site, "site").shape[1]

    def block(self, i: int) -> dict[str, Float[Tensor, "n d"]]:
        """Return block ``i`` of the shuffled epochs."""
        count = len(next(iter(self.rows.values())))
        epoch, place = divmod(i, count // self.block_rows)
        order = stream(self.seed, f"dictionaries/order/{epoch}").permutation(count)
        first = place * self.block_rows
        chosen = torch.from_numpy(
            np.ascontiguousarray(order[first : first + self.block_rows])
        )
        return {site: rows[chosen] for site, rows in self.rows.items()}
