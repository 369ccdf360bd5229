"""A random turn of the axes: what a complete basis gives without having seen any row.

Axes: d width.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.seeds import stream
from tacit.dictionaries.bases import Basis


@final
@dataclass(frozen=True, kw_only=True)
class OrthonormalBasis(Basis):
    """Random orthonormal directions: every rotation of the axes is as likely as any other.

    The QR factors of a Gaussian matrix with the signs of R's diagonal fixed, without which some
    rotations would be likelier than others. Mezzadri 2007, arXiv:math-ph/0609050.
    """

    kind: ClassVar[str] = "orthonormal"

    def directions(self, width: int, seed: int) -> Float[Tensor, "d d"]:
        """Return the basis drawn with ``seed``."""
        drawn = stream(seed, "dictionaries/orthonormal").standard_normal((width, width))
        turn, upper = np.linalg.qr(drawn)
        return torch.from_numpy((turn * np.sign(np.diag(upper))).T.copy())
