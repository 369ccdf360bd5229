"""Which attributes each species shows: families of like species, each with several looks.

Axes: s species, m morphs, a the 312 attributes, k the values of one group.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from tacit.base.errors import UserError
from tacit.base.seeds import stream
from tacit.data.birds.frequencies import FREQUENCIES, weights_of
from tacit.data.birds.settings import BirdSettings
from tacit.data.cub.vocabulary import ATTRIBUTES, GROUPS, PUBLISHED

KEPT_COLOUR = 0.7
"""How often a group has the main colour of its zone."""
MORPH_GROUPS = 6
"""Colour groups in which a second look of a species differs from the first."""
TRIES = 1_000
MOST = 50
"""Per cent of annotations from which on a species of a file has an attribute."""
COLOUR_GROUPS = tuple(group for group in GROUPS if group.endswith("_color"))


def _columns() -> dict[str, slice]:
    found, start = {}, 0
    for group, values in GROUPS.items():
        found[group] = slice(start, start + len(values))
        start += len(values)
    return found


COLUMNS: Mapping[str, slice] = _columns()
"""Where each group stands among the attributes."""


def draw_species(settings: BirdSettings) -> Bool[np.ndarray, "s m a"]:
    """Return what is drawn of each look of each species; no two species share a look.

    They differ in the 112 published attributes already, so that those, as drawn, name the species.

    Raises:
        UserError: if a class file holds too few species, or too many are asked for to differ.
    """
    rng = stream(settings.seed, "birds/species")
    first = _first_looks(settings, rng)
    seen: set[bytes] = set()
    looks = np.zeros((settings.num_species, settings.morphs, len(ATTRIBUTES)), bool)
    for species, base in enumerate(first):
        for morph in range(settings.morphs):
            for _ in range(TRIES):
                # The first look is the species' own, unless another has it already.
                look = (
                    base if morph == 0 and _key(base) not in seen else _changed(base, rng)
                )
                if _key(look) not in seen:
                    break
            else:
                raise UserError(
                    f"{settings.num_species} species with {settings.morphs} looks each were asked "
                    f"for, and no new look was found in {TRIES} tries; ask for fewer."
                )
            seen.add(_key(look))
            looks[species, morph] = look
    return looks


def _key(look: np.ndarray) -> bytes:
    return look[list(PUBLISHED)].tobytes()


def _first_looks(settings: BirdSettings, rng: np.random.Generator) -> np.ndarray:
    """Return the first look of each species: from a file, or family by family."""
    if settings.class_file is not None:
        return _from_file(settings)
    looks = []
    while len(looks) < settings.num_species:
        scheme = _scheme(rng)
        parent = np.concatenate([_group(group, scheme, rng) for group in GROUPS])
        for _ in range(settings.family):
            child = parent.copy()
            for group in GROUPS:
                if rng.random() >= settings.likeness:
                    child[COLUMNS[group]] = _group(group, scheme, rng)
            looks.append(child)
    return np.stack(looks[: settings.num_species])


def _from_file(settings: BirdSettings) -> np.ndarray:
    assert settings.class_file is not None
    try:
        shares = np.loadtxt(settings.class_file, ndmin=2)
    except (OSError, ValueError) as error:
        raise UserError(
            f"the class file {settings.class_file} cannot be read: {error}."
        ) from error
    if shares.shape[1] != len(ATTRIBUTES) or len(shares) < settings.num_species:
        raise UserError(
            f"{settings.num_species} species of {len(ATTRIBUTES)} attributes were asked of "
            f"{settings.class_file}, which holds {shares.shape[0]} of {shares.shape[1]}; ask for "
            "fewer classes or give another file."
        )
    chosen = stream(settings.seed, "birds/classes of the file").permutation(len(shares))
    return shares[np.sort(chosen[: settings.num_species])] >= MOST


def _scheme(rng: np.random.Generator) -> dict[str, int]:
    """Return the main value of every zone, as an index among the values of its groups."""
    zones = {each.zone: group for group, each in FREQUENCIES.items()}
    return {
        zone: int(rng.choice(len(GROUPS[group]), p=weights_of(group)))
        for zone, group in zones.items()
    }


def _group(
    group: str, scheme: Mapping[str, int], rng: np.random.Generator
) -> Bool[np.ndarray, " k"]:
    """Return which values of a group a species has: none, one or two."""
    often, weights = FREQUENCIES[group], weights_of(group)
    found = np.zeros(len(weights), bool)
    chance = rng.random()
    if chance < often.none:
        return found
    kept = group in COLOUR_GROUPS and rng.random() < KEPT_COLOUR
    found[scheme[often.zone] if kept else rng.choice(len(weights), p=weights)] = True
    if chance > 1 - often.two:
        found[rng.choice(len(weights), p=weights)] = True
    return found


def _changed(look: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a look that differs from another in a few colours."""
    changed = look.copy()
    for group in rng.choice(COLOUR_GROUPS, MORPH_GROUPS, replace=False):
        changed[COLUMNS[group]] = _group(group, _scheme(rng), rng)
    return changed
