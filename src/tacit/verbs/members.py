"""Which dictionaries a run fits: the one that is studied, and the frontier around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tacit.base.configuration import checked_setting
from tacit.base.errors import UserError, look_up
from tacit.base.records import Gap
from tacit.dictionaries import METHODS
from tacit.dictionaries.methods import Method
from tacit.verbs.settings import FitSettings, FrontierSettings

MAIN = "main"
"""Key of the dictionary that is indexed and shown."""
OWN_SETTINGS = frozenset({"num_atoms", "k", "penalty"})


@dataclass(frozen=True, kw_only=True)
class Member:
    """One dictionary of a run, with the coordinates its figures carry."""

    method: Method
    of: Mapping[str, str | int | float]


def make(name: str, given: Mapping[str, Any], extra: Mapping[str, Any]) -> Method:
    """Return a method of ``METHODS`` from the settings it has; ``extra`` must all be its own."""
    kind = look_up(METHODS, name, "method")
    own = {field.name for field in fields(kind)}
    for twice in sorted(set(extra) & OWN_SETTINGS):
        raise UserError(
            f"extra.{twice} has a setting of its own: give fit.{twice} instead."
        )
    checked = {
        key: checked_setting(kind, key, value, named=f"extra.{key}", of=name)
        for key, value in sorted(extra.items())
    }
    return kind(**{**{key: value for key, value in given.items() if key in own}, **checked})


def is_as_wide(name: str) -> bool:
    """Whether a method has as many atoms as the site is wide, unless it is told otherwise."""
    kind = look_up(METHODS, name, "method")
    return all(field.default is None for field in fields(kind) if field.name == "num_atoms")


def having(setting: str) -> dict[str, type[Method]]:
    """Return the methods that have a setting of this name."""
    return {
        name: kind
        for name, kind in METHODS.items()
        if setting in {field.name for field in fields(kind)}
    }


def main_member(
    settings: FitSettings, width: int, seed: int, extra: Mapping[str, Any] | None = None
) -> Member:
    """Return the dictionary that is studied; ``extra``: settings that what it reads asks for."""
    name = settings.method
    num_atoms = settings.num_atoms or (
        width if is_as_wide(name) else settings.atoms_per_dimension * width
    )
    given = {"num_atoms": num_atoms, "k": settings.k, "penalty": settings.penalty}
    method = make(name, given, {**settings.extra, **(extra or {})})
    has = vars(method)
    if settings.num_atoms not in (None, has.get("num_atoms") or width):
        raise UserError(
            f"{name} has as many atoms as the site is wide, {width}, and num_atoms is "
            f"{settings.num_atoms}; leave it out."
        )
    atoms = has.get("num_atoms") or width
    of: dict[str, str | int | float] = {"method": name, "num_atoms": atoms}
    of |= {key: has[key] for key in ("k", "penalty") if has.get(key) is not None}
    return Member(method=method, of={**of, "seed": seed})


def frontier_members(
    settings: FitSettings, frontier: FrontierSettings, width: int, seed: int
) -> tuple[dict[str, Member], list[Gap]]:
    """Return the dictionaries beside the main one, by name, and a gap for each that cannot be.

    A k above a method's number of atoms cannot be.
    """
    num_atoms = settings.num_atoms or settings.atoms_per_dimension * width
    members: dict[str, Member] = {}
    gaps: list[Gap] = []

    def add(name: str, coordinate: str, value: int | float, atoms: int) -> None:
        if settings.method == name and getattr(settings, coordinate) == value:
            return  # the main dictionary itself
        of = {"method": name, "num_atoms": atoms, coordinate: value, "seed": seed}
        if coordinate == "k" and value > atoms:
            reason = f"k is {value} and {name} has {atoms} atoms at this site"
            gaps.append(Gap(name="fvu", reason=reason, of=of))
            return
        given = {"num_atoms": atoms, coordinate: value}
        given["num_vectors"] = frontier.baseline_vectors
        members[f"{name}_{coordinate}-{value:g}"] = Member(
            method=make(name, given, {}), of=of
        )

    for k in sorted({*frontier.k, settings.k}):
        for name in (*frontier.learned, *frontier.baselines):
            look_up(having("k"), name, "method with a k")
            add(name, "k", k, width if is_as_wide(name) else num_atoms)
    for penalty in frontier.penalties:
        for name in frontier.priced:
            look_up(having("penalty"), name, "method with a penalty")
            add(name, "penalty", penalty, num_atoms)
    return members, gaps
