"""Random streams by purpose, so that adding one draw never shifts another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Generator = np.random.Generator


def key_of(root_seed: int, purpose: str) -> list[int]:
    """Return the entropy words of one purpose: the root seed and 128 bits of its name's hash."""
    digest = hashlib.sha256(purpose.encode()).digest()
    return [root_seed, *(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))]


def stream(root_seed: int, purpose: str) -> Generator:
    """Return numpy's generator for one purpose, e.g. ``stream(7, "dictionaries/initial")``."""
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(key_of(root_seed, purpose)))


def torch_seed(root_seed: int, purpose: str) -> int:
    """Return a 63-bit seed of the same kind, for ``torch.Generator().manual_seed``."""
    text = ":".join(str(word) for word in key_of(root_seed, purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
