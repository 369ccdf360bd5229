"""Which dictionaries a run fits: the one that is studied, and the frontier around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from tacit.base.errors import UserError, look_up, unknown
from tacit.dictionaries import METHODS
from tacit.dictionaries.methods import Method
from tacit.verbs.settings import FitSettings, FrontierSettings

MAIN = "main"
"""Key of the dictionary that is indexed and shown."""
BASES = frozenset({"pca"})
"""Methods with as many atoms as dimensions, unless told otherwise."""
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
    for wrong in sorted(set(extra) - own):
        raise unknown(f"setting of {name}", wrong, own)
    for twice in sorted(set(extra) & OWN_SETTINGS):
        raise UserError(
            f"extra.{twice} has a setting of its own: give fit.{twice} instead."
        )
    checked = {key: _checked(kind, name, key, value) for key, value in extra.items()}
    return kind(**{**{key: value for key, value in given.items() if key in own}, **checked})


def _checked(kind: type[Method], name: str, key: str, value: Any) -> Any:
    """Return a further setting as the type that the method gives it."""
    wanted = get_type_hints(kind)[key]
    try:
        return TypeAdapter(wanted).validate_python(value)
    except ValidationError as error:
        told = error.errors()[0]["msg"]
        raise UserError(f"extra.{key} of {name} is {value!r}: {told}.") from error


def main_member(settings: FitSettings, width: int, seed: int) -> Member:
    """Return the dictionary that is studied."""
    num_atoms = settings.num_atoms or settings.atoms_per_dimension * width
    given = {"num_atoms": num_atoms, "k": settings.k, "penalty": settings.penalty}
    if settings.num_atoms is None and settings.method in BASES:
        given["num_atoms"] = width
    method = make(settings.method, given, settings.extra)
    has = vars(method)
    atoms = has.get("num_atoms") or width
    of: dict[str, str | int | float] = {"method": settings.method, "num_atoms": atoms}
    of |= {key: has[key] for key in ("k", "penalty") if has.get(key) is not None}
    return Member(method=method, of={**of, "seed": seed})


def frontier_members(
    settings: FitSettings, frontier: FrontierSettings, width: int, seed: int
) -> dict[str, Member]:
    """Return the dictionaries beside the main one, by their names in the run."""
    num_atoms = settings.num_atoms or settings.atoms_per_dimension * width
    members: dict[str, Member] = {}

    def add(name: str, coordinate: str, value: int | float, atoms: int) -> None:
        given = {"num_atoms": atoms, coordinate: value}
        of = {"method": name, "num_atoms": atoms, coordinate: value, "seed": seed}
        members[f"{name}_{coordinate}-{value:g}"] = Member(
            method=make(name, given, {}), of=of
        )

    for k in sorted({*frontier.k, settings.k}):
        if k <= num_atoms and not (settings.method == "top-k" and k == settings.k):
            add("top-k", "k", k, num_atoms)
        if k <= width:
            add("pca", "k", k, width)
        if k <= num_atoms:
            add("random", "k", k, num_atoms)
    for penalty in frontier.penalties:
        if not (settings.method == "relu-l1" and penalty == settings.penalty):
            add("relu-l1", "penalty", penalty, num_atoms)
    return members
