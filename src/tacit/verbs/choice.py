"""One row a setting of a sweep, its seeds together, and the rule by which one is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.records import Gap, Record, Result
from tacit.base.seeds import stream
from tacit.dictionaries import METHODS
from tacit.dictionaries.learned_method import LearnedMethod
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.results import as_result
from tacit.verbs.members import Member
from tacit.verbs.sweep_settings import ChoiceSettings

PRICED_REFERENCE = "relu-l1"
"""What other methods are compared with at equal L0."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One setting of a sweep, measured at every seed."""

    key: str
    of: Mapping[str, str | int | float]
    fvu: tuple[Result, ...]
    l0: tuple[Result, ...]
    dead: tuple[Result, ...]
    kept: tuple[Result, ...]
    """Loss recovered against zero ablation; empty where the model predicts nothing."""

    @property
    def is_learned(self) -> bool:
        """Whether it is no baseline."""
        return issubclass(METHODS[str(self.of["method"])], LearnedMethod)

    def mean(self, figure: str) -> float:
        """Return a figure's mean over seeds."""
        return float(np.mean([each.value for each in getattr(self, figure)]))

    def ends(self, figure: str) -> tuple[float, float]:
        """Return the lowest and highest end of the seeds' intervals over documents."""
        found: Sequence[Result] = getattr(self, figure)
        return min(map(_low, found)), max(map(_high, found))

    def row(self) -> dict[str, Any]:
        """Return the setting as a row of the table."""
        row: dict[str, Any] = {"key": self.key, **self.of, "seeds": len(self.fvu)}
        for figure in ("fvu", "l0", "kept"):
            there = bool(getattr(self, figure))
            row[figure] = self.mean(figure) if there else None
            row[f"{figure}_low"], row[f"{figure}_high"] = (
                self.ends(figure) if there else (None, None)
            )
        row["dead"] = self.mean("dead")
        return row


def _low(found: Result) -> float:
    return found.value if found.interval is None else found.interval[0]


def _high(found: Result) -> float:
    return found.value if found.interval is None else found.interval[1]


def tried(members: Mapping[str, Member], records: Sequence[Record]) -> list[Tried]:
    """Return the settings of a sweep with what was measured of each."""

    def of(member: Member, name: str, **at: str) -> tuple[Result, ...]:
        wanted = {**member.of, "positions": "usable", **at}.items()
        rates = "learning_rate" in member.of
        return tuple(
            each
            for each in records
            if isinstance(each, Result)
            and each.name == name
            and wanted <= each.of.items()
            and ("learning_rate" in each.of) == rates
        )

    return [
        Tried(
            key=key,
            of=member.of,
            fvu=of(member, "fvu"),
            l0=of(member, "l0"),
            dead=of(member, "dead_share"),
            kept=of(member, "loss_recovered", against="zero"),
        )
        for key, member in members.items()
    ]


def choose(found: Sequence[Tried], rule: ChoiceSettings) -> tuple[Tried, str]:
    """Return the setting that the rule chooses, and why, in words."""
    learned = [each for each in found if each.is_learned] or list(found)
    good = [each for each in learned if _is_good(each, rule)]
    wanted = (
        f"loss recovered of at least {rule.loss_recovered:g}"
        if learned[0].kept
        else f"an FVU of at most {rule.fvu:g}"
    )
    asked = f"{wanted} and at most {rule.dead_share:.0%} dead atoms at every seed"
    if not good:
        best = min(learned, key=lambda each: each.mean("fvu"))
        return best, f"no dictionary reached {asked}, so the one with the lowest FVU"
    lowest = min(each.mean("l0") for each in good)
    near = [each for each in good if each.mean("l0") <= (1 + rule.tie) * lowest]
    best = min(near, key=lambda each: each.mean("fvu"))
    return best, (
        f"of the settings with {asked} ({len(good)} of {len(learned)}), those within "
        f"{rule.tie:.0%} of the lowest L0, and of these the one with the lowest FVU"
    )


def _is_good(each: Tried, rule: ChoiceSettings) -> bool:
    if max(dead.value for dead in each.dead) > rule.dead_share:
        return False
    if each.kept:
        return each.ends("kept")[0] >= rule.loss_recovered
    return each.ends("fvu")[1] <= rule.fvu


def against_priced(found: Sequence[Tried], seed: int) -> list[Record]:
    """Return each method's FVU less that of ReLU with L1 at the same L0, mean over its settings.

    The other's FVU at that L0 is read off its own settings at the same seed, linearly in the
    logarithm of L0; settings outside its range are left out. The units are seeds.
    """
    priced = [each for each in found if each.of["method"] == PRICED_REFERENCE]
    names = dict.fromkeys(str(each.of["method"]) for each in found)
    records: list[Record] = []
    for name in names:
        own = [each for each in found if each.of["method"] == name]
        if name == PRICED_REFERENCE or not priced:
            continue
        of = {"method": name, "minus": PRICED_REFERENCE, "at": "equal l0"}
        by_seed = [_gaps(own, priced, place) for place in range(len(own[0].fvu))]
        if not all(by_seed):
            reason = f"no setting of {name} has an L0 that those of {PRICED_REFERENCE} span"
            records.append(Gap(name="fvu_difference", reason=reason, of=of))
            continue
        means = np.array([np.mean(each) for each in by_seed])
        rng = stream(seed, f"verbs/sweep/{name}")
        settings = sum(len(each) for each in by_seed)
        records.append(
            as_result(
                "fvu_difference", bootstrap_mean(means, rng), {**of, "settings": settings}
            )
        )
    return records


def _gaps(own: Sequence[Tried], priced: Sequence[Tried], place: int) -> list[float]:
    line = sorted(
        (math.log(each.l0[place].value), each.fvu[place].value)
        for each in priced
        if each.l0[place].value > 0
    )
    at = [point for point, _ in line]
    found = []
    for each in own:
        l0 = each.l0[place].value
        if l0 > 0 and line and at[0] <= math.log(l0) <= at[-1]:
            theirs = float(np.interp(math.log(l0), at, [fvu for _, fvu in line]))
            found.append(each.fvu[place].value - theirs)
    return found
