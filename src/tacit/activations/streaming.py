"""Shuffled blocks of a store, any of them found at once, so that a resumed fit sees the same.

Axes: n rows, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from tacit.activations.store import Store
from tacit.base.errors import UserError
from tacit.base.seeds import stream


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Blocks of rows in an order drawn anew for every epoch from one seed.

    Rows come from all shards in every block. Block ``i`` depends on ``i`` and the seed alone.
    The last rows of an epoch that do not fill a block are left to the next epoch's shuffle.
    """

    store: Store
    sites: tuple[str, ...]
    rows: Int[np.ndarray, " n"]
    """Rows of the store to draw from."""
    seed: int
    block_rows: int
    _orders: dict[int, Int[np.ndarray, " n"]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.block_rows < 1 or len(self.rows) < self.block_rows:
            raise UserError(
                f"blocks of {self.block_rows} rows were asked for, and {len(self.rows)} usable "
                "rows are there; harvest more text or ask for smaller blocks (--batch)."
            )

    def __len__(self) -> int:
        """Return the blocks in one epoch."""
        return len(self.rows) // self.block_rows

    def width(self, site: str) -> int:
        """Return the width of a site's vectors."""
        return self.store.width(site)

    def rows_of(self, index: int) -> Int[np.ndarray, " n"]:
        """Return the store's rows that block ``index`` holds."""
        epoch, place = divmod(index, len(self))
        if epoch not in self._orders:
            self._orders.clear()
            order = stream(self.seed, f"activations/order/{epoch}").permutation(
                len(self.rows)
            )
            self._orders[epoch] = order
        chosen = self._orders[epoch][
            place * self.block_rows : (place + 1) * self.block_rows
        ]
        return self.rows[chosen]

    def block(self, i: int) -> dict[str, Float[Tensor, "n d"]]:
        """Return block ``i``: the same rows of every site, aligned."""
        rows = self.rows_of(i)
        return {site: self.store.vectors(site, rows) for site in self.sites}


def rows_for(
    store: Store, sites: Sequence[str], *, held_out: bool
) -> Int[np.ndarray, " n"]:
    """Return the rows usable at every site, of held-out documents or of the others."""
    keep = store.column("held_out") == held_out
    for site in sites:
        keep = keep & store.usable(site)
    rows = np.flatnonzero(keep)
    if not len(rows):
        part = "held-out" if held_out else "training"
        raise UserError(
            f"the store {store.folder} has no usable rows in {part} documents; "
            "harvest more documents."
        )
    return rows
