"""Which dictionaries a run fits: the one that is studied, and the frontier around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tacit.base.errors import look_up, unknown
from tacit.dictionaries import METHODS
from tacit.dictionaries.methods import Method
from tacit.verbs.settings import FitSettings, FrontierSettings

MAIN = "main"
"""Key of the dictionary that is indexed and shown."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One dictionary of a run, with the coordinates its figures carry."""

    method: Method
    of: Mapping[str, str | int | float]


def make(name: str, given: Mapping[str, Any], extra: Mapping[str, Any]) -> Method:
    """Return a method of ``METHODS`` from the settings it has; ``extra`` must all be its own."""
    kind = look_up(METHODS, name, "method")
    own = {field.name for field in fields(kind)}
    for wrong in sorted(set(extra) - own):
        raise unknown(f"setting of {name}", wrong, own)
    return kind(**{**{key: value for key, value in given.items() if key in own}, **extra})


def is_as_wide(name: str) -> bool:
    """Whether a method has as many atoms as the site is wide, unless it is told otherwise."""
    kind = look_up(METHODS, name, "method")
    return all(field.default is None for field in fields(kind) if field.name == "num_atoms")


def with_k() -> dict[str, type[Method]]:
    """Return the methods that fix how many atoms are active."""
    return {
        name: kind
        for name, kind in METHODS.items()
        if "k" in {field.name for field in fields(kind)}
    }


def main_member(settings: FitSettings, width: int, seed: int) -> Member:
    """Return the dictionary that is studied."""
    num_atoms = settings.num_atoms or (
        width if is_as_wide(settings.method) else settings.atoms_per_dimension * width
    )
    given = {"num_atoms": num_atoms, "k": settings.k, "penalty": settings.penalty}
    method = make(settings.method, given, settings.extra)
    of: dict[str, str | int | float] = {"method": settings.method, "num_atoms": num_atoms}
    own = {field.name for field in fields(method)}
    of |= {key: given[key] for key in ("k", "penalty") if key in own}
    return Member(method=method, of={**of, "seed": seed})


def sparsities(settings: FitSettings, frontier: FrontierSettings) -> list[int]:
    """Return every k of a run, ascending."""
    return sorted({*frontier.k, settings.k})


def frontier_members(
    settings: FitSettings, frontier: FrontierSettings, width: int, seed: int
) -> dict[str, Member]:
    """Return the dictionaries beside the main one, by their names in the run."""
    num_atoms = settings.num_atoms or settings.atoms_per_dimension * width
    members: dict[str, Member] = {}

    def add(name: str, coordinate: str, value: int | float, atoms: int) -> None:
        given = {"num_atoms": atoms, coordinate: value}
        given["num_vectors"] = frontier.baseline_vectors
        of = {"method": name, "num_atoms": atoms, coordinate: value, "seed": seed}
        members[f"{name}_{coordinate}-{value:g}"] = Member(
            method=make(name, given, {}), of=of
        )

    for k in sparsities(settings, frontier):
        if k <= num_atoms and not (settings.method == "top-k" and k == settings.k):
            add("top-k", "k", k, num_atoms)
        for name in frontier.baselines:
            look_up(with_k(), name, "baseline with a k")
            atoms = width if is_as_wide(name) else num_atoms
            if k <= atoms and not (settings.method == name and k == settings.k):
                add(name, "k", k, atoms)
    for penalty in frontier.penalties:
        if not (settings.method == "relu-l1" and penalty == settings.penalty):
            add("relu-l1", "penalty", penalty, num_atoms)
    return members
