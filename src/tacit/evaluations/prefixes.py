"""What is continued: stretches of text, plain or with other stretches before them.

Axes: w windows or prefixes, t positions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from tacit.evaluations.evidence import Evidence
from tacit.evaluations.read_windows import ReadWindows
from tacit.interventions.ways import Prompt


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Prefixes:
    """Stretches of one length, each with its document and the seed of its continuation."""

    ids: list[list[int]]
    """BOS first, where the subject has one."""
    document: Int[np.ndarray, " w"]
    seeds: list[int]
    begins: int
    """Where the text begins: 1 behind BOS, else 0."""

    def after(self, name: str, cues: Sequence[list[int]]) -> Prompt:
        """Return the prefixes with cues before their text, which take turns."""
        cued = [
            [*ids[: self.begins], *cues[place % len(cues)], *ids[self.begins :]]
            for place, ids in enumerate(self.ids)
        ]
        return Prompt(name=name, cued=cued)


def prefixes_in(
    evidence: Evidence,
    windows: ReadWindows,
    *,
    tokens: int,
    most: int,
    bos: int | None,
    rng: np.random.Generator,
) -> Prefixes:
    """Return stretches of windows that do not overlap, evenly over the text, ``most`` at most."""
    begins = int(bos is not None)
    length = tokens - begins
    places = [
        (window, first)
        for window, usable in enumerate(windows.usable)
        for first in range(int(usable.argmax()), len(usable) - length + 1, length)
        if usable[first : first + length].all()
    ]
    if len(places) > most:
        even = np.linspace(0, len(places) - 1, most).round().astype(int)
        places = [places[number] for number in even]
    ids, last = [], []
    for window, first in places:
        text = windows.ids[window, first : first + length].tolist()
        ids.append([*([] if bos is None else [bos]), *text])
        last.append(windows.rows[window, first + length - 1])
    return Prefixes(
        ids=ids,
        document=evidence.document[np.array(last, dtype=np.int64)],
        seeds=rng.integers(2**31, size=len(ids)).tolist(),
        begins=begins,
    )


def richest_stretches(
    windows: ReadWindows, wanted: Collection[int], length: int, most: int
) -> list[list[int]]:
    """Return stretches of text with most wanted tokens, one of a window, the richest first."""
    if windows.ids.shape[1] < length:
        return []
    is_wanted = np.isin(windows.ids, list(wanted)) * 1.0
    is_wanted[~windows.usable] = -length  # neither BOS nor what is behind the end
    sums = np.cumsum(np.pad(is_wanted, ((0, 0), (1, 0))), axis=1)
    counts: Float[np.ndarray, "w t"] = sums[:, length:] - sums[:, :-length]
    begins, best = counts.argmax(axis=1), counts.max(axis=1)
    order = np.argsort(-best, kind="stable")[:most]
    return [
        windows.ids[place, begins[place] : begins[place] + length].tolist()
        for place in order
        if best[place] > 0
    ]
