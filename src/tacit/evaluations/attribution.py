"""Which atoms carry a class: those that push a probe of it furthest between its rows and others.

Axes: n rows, m rows that are looked at, d width, f atoms, k atoms.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.evaluations.evidence import Evidence


def attributions(
    evidence: Evidence,
    has_it: Bool[np.ndarray, " n"],
    known_rows: Int[np.ndarray, " m"],
    normal: Float[np.ndarray, " d"],
    *,
    either_side: bool = False,
) -> Float[np.ndarray, " f"]:
    """Return by how much each atom moves a probe's score from rows without a class to rows with.

    ``(mean activation where it is - mean where it is not) * scale * (atom . normal)``: exact, as
    the score is linear. An atom that is more active without the class counts as 0, unless
    ``either_side`` is wanted: of male and female, say, what speaks for the other carries it too.
    After Marks et al. 2024, arXiv:2403.19647, and Karvonen et al. 2024, arXiv:2411.18895.
    ``known_rows`` must hold both sides, and none that are held out.
    """
    codes, has = evidence.codes[known_rows], has_it[known_rows]
    assert has.any() and not has.all(), "both sides are needed"
    weights = np.where(has, 1 / has.sum(), -1 / (~has).sum())
    difference = np.asarray(codes.T @ weights).ravel()
    if not either_side:
        difference = np.maximum(difference, 0)
    directions = evidence.dictionary.atoms.float().cpu().numpy()
    return difference * (directions @ normal) * evidence.dictionary.scale


def atoms_for(
    evidence: Evidence,
    has_it: Bool[np.ndarray, " n"],
    known_rows: Int[np.ndarray, " m"],
    normal: Float[np.ndarray, " d"],
    n: int,
    *,
    either_side: bool = False,
) -> Int[np.ndarray, " k"]:
    """Return the ``n`` atoms of largest attribution above 0, the largest first; fewer if need be.

    One below 0 works against the probe: without it the class would only stand out more.
    """
    size = attributions(evidence, has_it, known_rows, normal, either_side=either_side)
    order = np.argsort(-size, kind="stable")[:n]
    return order[size[order] > 0]
