"""From a number a unit to a figure over all units, and from its interval to a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from tacit.base.records import Gap, Judgement, Result
from tacit.base.seeds import stream
from tacit.metrics.bootstrap import bootstrap_mean
from tacit.metrics.results import as_result

Of = Mapping[str, str | int | float]
Side = Literal["above", "below", "across"]
REPRODUCED_ABOVE: Mapping[Side, Judgement] = {
    "above": "reproduced",
    "below": "not reproduced",
    "across": "inconclusive",
}
REPRODUCED_BELOW: Mapping[Side, Judgement] = {
    "below": "reproduced",
    "above": "not reproduced",
    "across": "inconclusive",
}


def over_units(
    study: str,
    name: str,
    values: Mapping[Any, float | None],
    of: Of,
    missing: str,
    *,
    units: str = "seeds",
    seed: int = 0,
) -> Result | Gap:
    """Return the mean over units with its bootstrap interval; a gap where a unit has no value."""
    known = {unit: value for unit, value in values.items() if value is not None}
    if len(known) < len(values):
        lacking = [str(unit) for unit in values if unit not in known]
        reason = f"{missing} ({units} {', '.join(lacking)} of {len(values)})"
        return Gap(name=name, reason=reason, of=dict(of))
    rng = stream(seed, f"studies/{study}/{name}/{sorted(of.items())}")
    interval = bootstrap_mean(np.array(list(known.values())), rng)
    return as_result(name, interval, of)


def side_of(found: Result | Gap, level: float) -> Side:
    """Return where an interval lies; a number without one, or a gap, lies across."""
    if isinstance(found, Gap) or found.interval is None:
        return "across"
    low, high = found.interval
    return "above" if low > level else "below" if high < level else "across"
