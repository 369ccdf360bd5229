"""The windows of a store as a subject read them, for running it again under an edit.

Axes: n windows, t positions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from tacit.activations.contexts import PADDING
from tacit.activations.store import Store
from tacit.base.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Token ids with the positions that fits and measures use."""

    ids: Int[np.ndarray, "n t"]
    """``PADDING`` after the end of a short row."""
    usable: Bool[np.ndarray, "n t"]
    document: Int[np.ndarray, "n t"]
    """Index of each token's document; a packed window has several. Padding goes with the first."""
    num_left_out: int
    """Windows not taken because a limit was given."""

    def with_all_usable(self) -> Windows:
        """Return the same windows with special and high-norm positions usable too."""
        return replace(self, usable=self.ids != PADDING)


def windows_in(
    store: Store, site: str, *, held_out: bool, max_windows: int | None = None
) -> Windows:
    """Return the store's windows of held-out (or the other) text, the first ``max_windows``.

    When there is a limit, windows are taken evenly over the text, not from its beginning.
    """
    keep = store.column("held_out") == held_out
    if not keep.any():
        part = "held-out" if held_out else "training"
        raise UserError(f"{store.folder} has no {part} windows; harvest more documents.")
    context, position = store.column("context"), store.column("position")
    numbers = np.unique(context[keep])
    chosen = numbers
    if max_windows is not None and len(numbers) > max_windows:
        chosen = numbers[np.linspace(0, len(numbers) - 1, max_windows).round().astype(int)]
    keep &= np.isin(context, chosen)
    place = np.searchsorted(chosen, context[keep])
    shape = (len(chosen), int(position[keep].max()) + 1)
    ids = np.full(shape, PADDING, dtype=np.int64)
    usable = np.zeros(shape, dtype=bool)
    document = np.zeros(shape, dtype=np.int64)
    ids[place, position[keep]] = store.column("token")[keep]
    usable[place, position[keep]] = store.usable(site)[keep]
    document[place, position[keep]] = store.column("document")[keep]
    document = np.where(ids == PADDING, document[:, :1], document)
    return Windows(
        ids=ids, usable=usable, document=document, num_left_out=len(numbers) - len(chosen)
    )
