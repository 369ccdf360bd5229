"""How alike the atoms of two dictionaries are, beside atoms drawn at random.

Axes: f atoms, d width.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tacit.base.records import Gap, Record
from tacit.base.seeds import stream
from tacit.dictionaries.dictionary import Dictionary
from tacit.dictionaries.selections import Largest
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.hierarchy import hierarchical_bootstrap
from tacit.metrics.intervals import Interval, without_ends
from tacit.metrics.recovery import Matching, match
from tacit.metrics.results import as_result
from tacit.verbs.contenders import Contender, Finished
from tacit.verbs.fidelity import Coordinates
from tacit.verbs.pairing import why_apart

SHARED: dict[str, Callable[[Matching], np.ndarray]] = {
    "shared_cosine": lambda found: found.cosines,
    "shared_above_0.9": lambda found: (found.cosines > 0.9).astype(float),
}
"""What is told of a matching, pair by pair."""


def live_atoms(dictionary: Dictionary) -> Float[Tensor, "f d"]:
    """Return the atoms that are directions; one of length zero has no cosine."""
    return dictionary.atoms[dictionary.atoms.norm(dim=1) > 0]


def matched(one: Dictionary, other: Dictionary) -> Matching:
    """Return the best one-to-one assignment; of signed codes either sign will do."""
    return match(live_atoms(other), live_atoms(one), either_sign=_are_signed(one, other))


def _are_signed(*dictionaries: Dictionary) -> bool:
    return all(isinstance(each.selection, Largest) for each in dictionaries)


def shared_with(
    contender: Contender, reference: Contender, most_atoms: int, seed: int
) -> list[Record]:
    """Return how alike the atoms are to those of the reference, and chance's.

    Methods of one seed begin from the same random directions, which makes them alike: every seed
    is matched with another of the reference's. Where there is none the records say so
    (``same_seed``). Matchings are the units where there are several, else the matched pairs.
    """
    of = {**contender.of, "with": reference.key}
    reason = _why_apart(contender, reference)
    if reason is not None:
        return [Gap(name=name, reason=reason, of=of) for name in SHARED]
    partners = partners_of(contender, reference)
    if any(one.seed == other.seed for one, other in partners):
        of["same_seed"] = "yes"
    pairs = [
        (one.dictionary(contender.name), other.dictionary(reference.name))
        for one, other in partners
    ]
    reason = _too_many([each for pair in pairs for each in pair], most_atoms)
    if reason is not None:
        return [Gap(name=name, reason=reason, of=of) for name in SHARED]
    found = [matched(one, other) for one, other in pairs]
    rng = stream(seed, f"verbs/compare/{contender.key}/{reference.key}/atoms")
    chance = _by_chance(*pairs[0], rng)
    records: list[Record] = []
    for name, told in SHARED.items():
        values = [told(each) for each in found]
        one = np.array([each.mean() for each in values]) if len(found) > 1 else values[0]
        records.append(as_result(name, bootstrap_mean(one, rng), of))
        floor = bootstrap_mean(told(chance), rng)
        records.append(as_result(name, floor, {**of, "atoms": "random"}))
    return records


def partners_of(
    contender: Contender, reference: Contender
) -> list[tuple[Finished, Finished]]:
    """Return runs to match, of two seeds wherever that can be."""
    apart = [
        (one, next((other for other in reference.runs if other.seed != one.seed), None))
        for one in contender.runs
    ]
    found = [(one, other) for one, other in apart if other is not None]
    return found or [(contender.first, reference.first)]


def _by_chance(one: Dictionary, other: Dictionary, rng: np.random.Generator) -> Matching:
    """Return the matching of as many random directions as the first has atoms."""
    drawn = rng.standard_normal(tuple(live_atoms(one).shape))
    return match(
        live_atoms(other),
        torch.from_numpy(drawn).to(other.atoms),
        either_sign=_are_signed(one, other),
    )


def shared_by_seeds(contender: Contender, most_atoms: int, seed: int) -> list[Record]:
    """Return how alike the atoms of a dictionary's seeds are to one another's, over all pairs."""
    of: Coordinates = {**contender.of, "with": "its other seeds"}
    dictionaries = [run.dictionary(contender.name) for run in contender.runs]
    reason = _too_many(dictionaries, most_atoms)
    if reason is not None:
        return [Gap(name=name, reason=reason, of=of) for name in SHARED]
    pairs = list(permutations(range(len(dictionaries)), 2))
    found = {(i, j): matched(dictionaries[i], dictionaries[j]) for i, j in pairs if i < j}
    rng = stream(seed, f"verbs/compare/{contender.key}/seeds")
    records: list[Record] = []
    for name, told in SHARED.items():
        values = np.array([told(found[min(p), max(p)]).mean() for p in pairs])
        records.append(as_result(name, _over_seeds(values, pairs, rng), of))
    return records


def _over_seeds(
    values: np.ndarray, pairs: list[tuple[int, int]], rng: np.random.Generator
) -> Interval:
    """Return the mean over pairs with the seeds, each with its partners, as the units."""
    num_seeds = len({first for first, _ in pairs})
    if num_seeds == 2:
        reason = "two seeds are one pair, which says nothing of the spread"
        return without_ends(float(values.mean()), num_seeds, "none", reason)
    return hierarchical_bootstrap(values, (np.array([first for first, _ in pairs]),), rng)


def _why_apart(contender: Contender, reference: Contender) -> str | None:
    """Return why atoms of two dictionaries are directions of two different spaces, or None."""
    one, other = contender.first, reference.first
    same = one.site == other.site
    if same and one.read["subject_digest"] == other.read["subject_digest"]:
        return None
    return why_apart(contender, reference)


def _too_many(dictionaries: list[Dictionary], most_atoms: int) -> str | None:
    largest = max(dictionary.num_atoms for dictionary in dictionaries)
    if largest <= most_atoms:
        return None
    return (
        f"{largest:,} atoms are more than the {most_atoms:,} that are matched; ask for more with "
        "--match-atoms, at a time that grows with their cube"
    )
