"""Two or more sites as one: pairs for transcoders, and any number side by side for crosscoders.

Axes: n rows, c columns of all sites.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.errors import UserError, unknown
from tacit.dictionaries.blocks import Blocks
from tacit.dictionaries.dictionary import Dictionary, InputContract

ONTO, AND = ">", "+"
"""In the name of a joined site: what is read and what is rebuilt, and what is read together."""


class _AsOne:
    """Several sites of some blocks under one name."""

    def __init__(self, blocks: Blocks, parts: Sequence[str], mark: str) -> None:
        for site in parts:
            if site not in blocks.sites:
                raise unknown("site", site, blocks.sites)
        self._blocks, self._parts, self._name = blocks, tuple(parts), mark.join(parts)

    @property
    def sites(self) -> tuple[str, ...]:
        """The joined site."""
        return (self._name,)

    def width(self, site: str) -> int:
        """Return the columns of all parts."""
        if site not in self.sites:
            raise unknown("site", site, self.sites)
        return sum(map(self._blocks.width, self._parts))


@final
class Paired(_AsOne):
    """Blocks whose rows hold what one site gives and, after it, what another does."""

    def __init__(self, blocks: Blocks, *, reads: str, rebuilds: str) -> None:
        """Join two of the sites of ``blocks``."""
        super().__init__(blocks, (reads, rebuilds), ONTO)
        if reads == rebuilds:
            raise UserError(
                f"a transcoder from {reads} to itself was asked; leave out what is rebuilt for an "
                "autoencoder."
            )

    def block(self, i: int) -> dict[str, Float[Tensor, "n c"]]:
        """Return block ``i``, both sites side by side."""
        found = self._blocks.block(i)
        return {self._name: torch.cat([found[site] for site in self._parts], dim=1)}


@final
class Joined(_AsOne):
    """Blocks whose rows hold several sites side by side, each centred and scaled for itself.

    An autoencoder of them is a crosscoder (Lindsey et al. 2024): one code, one decoder a site. The
    first block sets each site's centre and scale, so that none counts for more by being longer.
    """

    def __init__(self, blocks: Blocks, parts: Sequence[str]) -> None:
        """Join some of the sites of ``blocks``, in the order given."""
        super().__init__(blocks, parts, AND)
        if len(parts) < 2 or len(set(parts)) < len(parts):
            raise UserError(
                f"a crosscoder of the sites {', '.join(parts)} was asked; give two or more that "
                "differ."
            )
        first = blocks.block(0)
        self._centres = {site: first[site].float().mean(dim=0) for site in parts}
        self._scales = {
            site: float(
                (first[site] - self._centres[site]).square().sum(dim=1).mean().sqrt()
            )
            for site in parts
        }
        flat = [site for site, scale in self._scales.items() if not scale > 0]
        if flat:
            raise UserError(
                f"all rows of the first block are equal at {', '.join(flat)}: leave that site out."
            )

    def block(self, i: int) -> dict[str, Float[Tensor, "n c"]]:
        """Return block ``i``, all sites side by side."""
        found = self._blocks.block(i)
        scaled = [
            (found[site] - self._centres[site]).div_(self._scales[site])
            for site in self._parts
        ]
        return {self._name: torch.cat(scaled, dim=1)}

    def unfolded(self, dictionary: Dictionary) -> Dictionary:
        """Return a dictionary of these blocks as one of the sites' own rows, side by side.

        Its atoms have unit length in the scaled rows; ``outcome`` says what the parts are.
        """
        widths = {site: self._blocks.width(site) for site in self._parts}
        like = dictionary.atoms
        scale = torch.cat(
            [like.new_full((widths[site],), self._scales[site]) for site in self._parts]
        )
        middle = torch.cat([self._centres[site].to(like) for site in self._parts])
        told = {"parts": widths, "part_scales": dict(self._scales)}
        return replace(
            dictionary,
            atoms=dictionary.atoms * scale,
            encoder=dictionary.encoder / scale,
            centre=middle + dictionary.centre * scale,
            outcome={**dictionary.outcome, **told},
        )


def placed(contract: InputContract, site: str) -> InputContract:
    """Return the contract of a dictionary fitted to a site, which may be a joined one."""
    reads, onto, rebuilds = site.partition(ONTO)
    return replace(contract, site=reads, target=rebuilds if onto else None)
