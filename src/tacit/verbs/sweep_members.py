"""The dictionaries of a sweep: every method at every sparsity, size and learning rate."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tacit.base.errors import look_up
from tacit.base.records import Gap
from tacit.dictionaries import METHODS
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.verbs.members import Member, having, is_as_wide, make
from tacit.verbs.sweep_settings import SweepSettings


def sparsities_of(name: str, settings: SweepSettings) -> tuple[str, Sequence[int | float]]:
    """Return what decides a method's sparsity, and the values to take."""
    look_up(METHODS, name, "method")
    if name in having("k"):
        return "k", settings.k
    look_up(having("penalty"), name, "method with a k or a penalty")
    return "penalty", settings.penalties


def swept_members(
    settings: SweepSettings, width: int
) -> tuple[dict[str, Member], list[Gap]]:
    """Return the grid's dictionaries by name, without seeds, and a gap for each that cannot be."""
    pace = settings.fit
    sizes = settings.sizes or (pace.num_atoms or pace.atoms_per_dimension * width,)
    members: dict[str, Member] = {}
    gaps: list[Gap] = []
    for name in dict.fromkeys((*settings.methods, *settings.baselines)):
        coordinate, values = sparsities_of(name, settings)
        learned = issubclass(METHODS[name], LearnedMethod)
        rates = settings.learning_rates if learned else ()
        own_sizes = (width,) if is_as_wide(name) else sizes
        for atoms, value in itertools.product(own_sizes, values):
            of: dict[str, str | int | float] = {"method": name, "num_atoms": atoms}
            of[coordinate] = value
            if coordinate == "k" and value > atoms:
                reason = f"k is {value} and {name} has {atoms} atoms at this site"
                gaps.append(Gap(name="fvu", reason=reason, of=of))
                continue
            given = {"num_atoms": atoms, coordinate: value}
            for rate in rates or (None,):
                extra = {} if rate is None else {"learning_rate": rate}
                key = f"{name}_{coordinate}-{value:g}_atoms-{atoms}"
                key += "" if rate is None else f"_rate-{rate:g}"
                members[key] = Member(method=make(name, given, extra), of={**of, **extra})
    return members, gaps
