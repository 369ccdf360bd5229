"""Matryoshka dictionaries: the first atoms must do alone, so the general are not split away.

Axes: n rows, f atoms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from tacit.dictionaries.batch_top_k import OverBlock
from tacit.dictionaries.methods import require

SHARES = (1 / 8, 1 / 4, 1 / 2, 1)


@final
@dataclass(frozen=True, kw_only=True)
class Matryoshka(OverBlock):
    """Batch top-k whose every prefix of the atoms rebuilds the rows with its part of one code.

    After Bussmann et al. 2025, arXiv:2503.17547. The loss is the mean (theirs: the sum) of the
    prefixes' squared errors, so that learning rate and clipping mean what they do elsewhere; the
    prefixes are fixed (theirs can be drawn anew for each block).
    """

    kind: ClassVar[str] = "matryoshka"

    prefixes: Sequence[int] | None = None
    """Atoms of each nested dictionary, ascending, the last all of them; None is an eighth, a
    quarter, half and all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prefixes is not None:
            # JSON has no tuples, and equal settings should compare as equal.
            object.__setattr__(self, "prefixes", tuple(self.prefixes))
        edges = self.edges()
        ascending = all(a < b for a, b in zip((0, *edges), edges, strict=False))
        holds = ascending and edges[-1:] == (self.num_atoms,)
        expected = f"ascending and end in the number of atoms, {self.num_atoms}"
        require("prefixes", self.prefixes, expected, holds=holds)

    def edges(self) -> tuple[int, ...]:
        """Return where the nested dictionaries end."""
        if self.prefixes is not None:
            return tuple(self.prefixes)
        found = (round(share * self.num_atoms) for share in SHARES)
        return tuple(dict.fromkeys(max(1, edge) for edge in found))
