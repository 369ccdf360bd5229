"""From the values of all units to a finding: differences of bases, and the rule of each claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tacit.base.records import Gap, Judgement, Result
from tacit.studies.autointerpretation.figures import MAIN, Tables, Values, figure, minus
from tacit.studies.autointerpretation.places import Arm
from tacit.studies.study import Finding
from tacit.studies.units import REPRODUCED_ABOVE, REPRODUCED_BELOW, Of, side_of

ADVANTAGE = "explanation_advantage"
LEFT_OUT: Final = "not testable at this scale"
Judge = Callable[[Result | Gap], Judgement]


def advantage(
    tables: Tables,
    sites: Sequence[str],
    ours: str,
    theirs: str,
    scored: str = MAIN,
    *,
    arm: Arm = "trained",
) -> Values:
    """Return by how much one basis is ahead of another in each unit, mean over sites."""
    return minus(
        tables.over_sites(sites, ours, scored, arm),
        tables.over_sites(sites, theirs, scored, arm),
    )


def share_of(values: Values, share: float) -> Values:
    """Return a share of the value in each unit."""
    return {unit: None if one is None else share * one for unit, one in values.items()}


def above(level: float) -> Judge:
    """Return the judge of "more than"."""
    return lambda found: REPRODUCED_ABOVE[side_of(found, level)]


def below(level: float) -> Judge:
    """Return the judge of "less than"."""
    return lambda found: REPRODUCED_BELOW[side_of(found, level)]


def within(level: float) -> Judge:
    """Return the judge of "alike": the interval lies within a level on both sides of 0."""

    def judge(found: Result | Gap) -> Judgement:
        if isinstance(found, Gap) or found.interval is None:
            return "inconclusive"
        low, high = found.interval
        if -level < low and high < level:
            return "reproduced"
        return "not reproduced" if low > level or high < -level else "inconclusive"

    return judge


def finding_of(
    tables: Tables, claim: str, values: Values, of: Of, judge: Judge, name: str = ADVANTAGE
) -> Finding:
    """Return a finding; not testable where the settings leave it out."""
    found = figure(tables.settings, name, values, of)
    return Finding(claim, found, judge(found) if values else LEFT_OUT)
