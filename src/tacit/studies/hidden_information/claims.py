"""What the figures say of each published claim."""

from __future__ import annotations

from tacit.base.records import Gap, Judgement, Result
from tacit.studies.hidden_information.arms import EXTREMES, INDEPENDENT
from tacit.studies.hidden_information.figures import (
    by_wire,
    hides_in,
    leak_of,
    own_less_truth,
    retention_of,
    twins_between,
    twins_less,
    wires_less,
)
from tacit.studies.hidden_information.tables import Tables, less, over_seeds
from tacit.studies.study import Finding
from tacit.studies.units import REPRODUCED_ABOVE, REPRODUCED_BELOW, side_of

LEAST_LEAK = 0.05
"""Nats."""
TOLD = 0.6
"""Share of twins told from which a code is read: a fifth of what is above chance."""
POINTS = 0.05
NO_CONJECTURE = "it is a conjecture on other models than these"
ONE_WAY = 0.025
"""How often an interval that holds nothing lies beyond a bound on one side by chance."""


def claims(tables: Tables) -> list[Finding]:
    """Return every claim of ``QUESTION.md`` with its measurement and what its rule makes of it."""
    return [
        _carries_more(tables),
        _below(
            "nothing-hidden-without-a-cue",
            leak_of(tables, "cueless"),
            LEAST_LEAK,
        ),
        _above("joint-more-accurate", _gain(tables), POINTS),
        _above("sequential-below-its-training", _training_gap(tables), 0.0),
        _above("heads-swap", retention_of(tables), 0.5),
        _hidden_alike(tables),
        _above("robust-to-dropout", twins_between(tables, "joint", "dropout"), TOLD),
        _above("robust-to-weighting", twins_between(tables, *EXTREMES), TOLD),
        _not_without_trunk(tables),
        _below("low-entropy-concepts", hides_in(tables, "imbalance"), -0.1),
        _below("low-entropy-without-the-weighting", hides_in(tables, "joint"), -0.1),
        _above("intervention-hurts-joint", _set_loss(tables), POINTS),
        _above("intervention-hurts-by-the-leak", own_less_truth(tables, "joint"), 0.02),
        _above("crossed-wires", wires_less(tables, "crossed", "before"), -POINTS),
        _above("mixed-weights-mitigate", _mixed(tables), 0.02),
        Finding(
            "convergent-steganography",
            Gap(name="conditional_information", reason=NO_CONJECTURE, of={}),
            "not testable at this scale",
        ),
    ]


def chance_passes(tables: Tables) -> float:
    """Return how many claims chance alone would pass: those whose rule asks for one side."""
    return ONE_WAY * len(
        [each for each in claims(tables) if isinstance(each.measured, Result)]
    )


def leak_excess(tables: Tables) -> Result | Gap:
    """Return by how much joint runs carry more than the sequential run of the same seed."""
    joint, sequential = (
        tables.by_seed(arm, lambda row: row.leak) for arm in ("joint", "sequential")
    )
    return over_seeds(
        "conditional_information", less(joint, sequential), {"of": "joint less sequential"}
    )


def _above(claim: str, found: Result | Gap, level: float) -> Finding:
    return Finding(
        claim, found, _or_untestable(found, REPRODUCED_ABOVE[side_of(found, level)])
    )


def _below(claim: str, found: Result | Gap, level: float) -> Finding:
    return Finding(
        claim, found, _or_untestable(found, REPRODUCED_BELOW[side_of(found, level)])
    )


def _or_untestable(found: Result | Gap, judgement: Judgement) -> Judgement:
    return "not testable at this scale" if isinstance(found, Gap) else judgement


ORDER: tuple[Judgement, ...] = (
    "not testable at this scale",
    "not reproduced",
    "inconclusive",
    "reproduced",
)


def _both(first: Finding, second: Finding) -> Judgement:
    """Return reproduced if both are, not reproduced if either is not."""
    return min((first.judgement, second.judgement), key=lambda each: ORDER.index(each))


def _carries_more(tables: Tables) -> Finding:
    claim = "joint-carries-more"
    leak = _above(claim, leak_of(tables, "joint"), LEAST_LEAK)
    excess = _above(claim, leak_excess(tables), 0.0)
    return Finding(claim, leak.measured, _both(leak, excess))


def _hidden_alike(tables: Tables) -> Finding:
    claim = "hidden-alike"
    told = _above(claim, twins_between(tables, "joint", "joint"), TOLD)
    excess = _above(claim, twins_less(tables, "joint", "sequential"), 0.0)
    return Finding(claim, told.measured, _both(told, excess))


def _not_without_trunk(tables: Tables) -> Finding:
    claim = "not-without-a-shared-trunk"
    less_alike = _above(claim, twins_less(tables, "joint", "own trunk"), POINTS)
    own = over_seeds(
        "twin_accuracy",
        tables.by_seed("own trunk", lambda row: row.twin_accuracy),
        {"arm": "own trunk"},
    )
    if isinstance(less_alike.measured, Result) and side_of(own, TOLD) != "above":
        return Finding(claim, less_alike.measured, "inconclusive")
    return less_alike


def _gain(tables: Tables) -> Result | Gap:
    joint, sequential = (
        tables.by_seed(arm, lambda row: row.task_accuracy)
        for arm in ("joint", "sequential")
    )
    of = {"of": "joint less sequential"}
    return over_seeds("task_accuracy", less(joint, sequential), of)


def _training_gap(tables: Tables) -> Result | Gap:
    values = tables.by_seed(
        "sequential", lambda row: row.task_accuracy - row.varied_accuracy
    )
    of = {"arm": "sequential", "of": "held out less varied training pictures"}
    return over_seeds("task_accuracy", values, of)


def _set_loss(tables: Tables) -> Result | Gap:
    independent, joint = (
        tables.by_seed(arm, lambda row: row.set_accuracy) for arm in (INDEPENDENT, "joint")
    )
    of = {"of": "independent less joint, all concepts set"}
    return over_seeds("intervened_accuracy", less(independent, joint), of)


def _mixed(tables: Tables) -> Result | Gap:
    mixed, crossed = (
        by_wire(tables, wires, lambda row: row.set_accuracy)
        for wires in ("mixed", "crossed")
    )
    of = {"of": "heads on mixed weights less heads on one weight, all concepts set"}
    return over_seeds("intervened_accuracy", less(mixed, crossed), of)
