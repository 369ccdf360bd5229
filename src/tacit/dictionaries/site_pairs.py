"""Two or more sites as one: pairs for transcoders.

Axes: n rows.
"""

from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError, unknown
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.dictionary import InputContract

ONTO, AND = ">", "+"
"""In the name of a joined site: what is read and what is rebuilt, and what is read together."""


@final
class Paired:
    """Blocks whose rows hold what one site gives and, after it, what another does."""

    def __init__(self, blocks: Blocks, *, reads: str, rebuilds: str) -> None:
        """Join two of the sites of ``blocks``."""
        for site in (reads, rebuilds):
            if site not in blocks.sites:
                raise unknown("site", site, blocks.sites)
        if reads == rebuilds:
            raise UserError(
                f"a transcoder from {reads} to itself was asked; leave out what is rebuilt for an "
                "autoencoder."
            )
        self._blocks, self._parts = blocks, (reads, rebuilds)

    @property
    def sites(self) -> tuple[str, ...]:
        """The joined site."""
        return (ONTO.join(self._parts),)

    def width(self, site: str) -> int:
        """Return the columns of both."""
        if site not in self.sites:
            raise unknown("site", site, self.sites)
        return sum(map(self._blocks.width, self._parts))

    def block(self, i: int) -> dict[str, Float[Tensor, "n c"]]:
        """Return block ``i``, both sites side by side."""
        found = self._blocks.block(i)
        (name,) = self.sites
        return {name: torch.cat([found[site] for site in self._parts], dim=1)}


def placed(contract: InputContract, site: str) -> InputContract:
    """Return the contract of a dictionary fitted to a site, which may be a joined one."""
    reads, onto, rebuilds = site.partition(ONTO)
    return replace(contract, site=reads, target=rebuilds if onto else None)
