"""The axes a site already has: is anything gained by looking for other directions?

Axes: d width.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tacit.dictionaries.bases import Basis


@final
@dataclass(frozen=True, kw_only=True)
class NeuronBasis(Basis):
    """The site's own axes: atom i is neuron i, or coordinate i of a residual stream.

    Values are signed and about the mean. Cunningham et al. 2023 (arXiv:2309.08600) set negative
    ones to zero and kept no mean, which rebuilds less.
    """

    kind: ClassVar[str] = "neuron-basis"

    def directions(self, width: int, seed: int) -> Float[Tensor, "d d"]:
        """Return the identity; nothing is drawn."""
        del seed
        return torch.eye(width)
