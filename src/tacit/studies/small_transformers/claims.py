"""What the figures say of each published claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tacit.base.records import Gap, Judgement
from tacit.base.seeds import stream
from tacit.metrics.choosing import FEWEST_RANKED, plateau_excess
from tacit.studies.small_transformers.cells import Cell, Pairing
from tacit.studies.small_transformers.examples import Example
from tacit.studies.small_transformers.figures import (
    NO_SLOPE,
    TOO_FEW,
    Cells,
    Subject,
    alike_of,
    best_of,
    curve_of,
    excess_of,
    figure,
    most_shared,
    slope_of,
)
from tacit.studies.small_transformers.later import COUNTS, Counted
from tacit.studies.small_transformers.settings import SmallSettings
from tacit.studies.study import Finding
from tacit.studies.units import (
    REPRODUCED_ABOVE,
    REPRODUCED_BELOW,
    Side,
    over_units,
    side_of,
)

HALF = 0.5
STILL = 0.25
"""Slope of L0 with the size, either way, at which one penalty serves all sizes."""
REJECTED = 0.05
A_FIFTH = 0.2
NOTHING_SHARED = "no atom is shared"


def claims(
    settings: SmallSettings,
    cells: Cells,
    examples: Sequence[Example],
    counts: Sequence[Counted],
) -> list[Finding]:
    """Return every claim of ``QUESTION.md`` with its measurement and what the rule makes of it."""
    best = {each: best_of(found)[1] for each, found in cells.items()}
    spread = {each: pairing.participation for each, pairing in best.items()}
    sparse = figure("participation_share", spread, {"size": "best of each"}, NOTHING_SHARED)
    return [
        _more_features(settings, cells),
        _bimodal(best),
        _examples(settings, examples),
        _one_alpha(settings, cells),
        _plateau(cells),
        Finding("not-sparse-in-neurons", sparse, REPRODUCED_ABOVE[side_of(sparse, HALF)]),
        *_later(settings, counts),
    ]


def _more_features(settings: SmallSettings, cells: Cells) -> Finding:
    values = {each: most_shared(found, "main") for each, found in cells.items()}
    found = figure("shared_per_dimension", values, {"size": "best of each"})
    excess = {each: excess_of(settings, own) for each, own in cells.items()}
    beyond = figure("shared_per_dimension_excess", excess, {})
    judgement = both_above(side_of(found, 1.0), side_of(beyond, 0.0))
    return Finding("more-features-than-dimensions", found, judgement)


def both_above(first: Side, second: Side) -> Judgement:
    """Return the judgement of a rule that wants two intervals above their levels."""
    if "below" in (first, second):
        return "not reproduced"
    return "reproduced" if first == second == "above" else "inconclusive"


def _bimodal(best: Mapping[Subject, Pairing]) -> Finding:
    values = {each: pairing.valley for each, pairing in best.items()}
    found = figure("valley", values, {"size": "best of each"}, "all cosines are one")
    one_mode = [
        pairing.bimodal_p is None or pairing.bimodal_p >= REJECTED
        for pairing in best.values()
    ]
    judgement = REPRODUCED_BELOW[side_of(found, HALF)]
    if judgement == "reproduced" and any(one_mode):
        judgement = "inconclusive"
    return Finding("bimodal-cosines", found, judgement)


def _examples(settings: SmallSettings, examples: Sequence[Example]) -> Finding:
    alike = alike_of(settings, examples, "feature")
    chance = alike_of(settings, examples, "random direction")
    found = figure("alike_share", alike, {"of": "shared features"}, TOO_FEW)
    if isinstance(found, Gap) or None in chance.values():
        return Finding("interpretable-examples", found, "inconclusive")
    excess = {
        each: alike[each] - chance[each]  # type: ignore[operator]
        for each in alike
    }
    beyond = figure("alike_share", excess, {})
    judgement = both_above(side_of(found, HALF), side_of(beyond, 0.0))
    return Finding("interpretable-examples", found, judgement)


def _one_alpha(settings: SmallSettings, cells: Cells) -> Finding:
    slopes = {
        each: slope_of(settings, found, divided=False) for each, found in cells.items()
    }
    found = figure("log_log_slope", slopes, {"penalty": "one"}, NO_SLOPE)
    if isinstance(found, Gap) or found.interval is None:
        return Finding("one-alpha-for-all-sizes", found, "inconclusive")
    low, high = found.interval
    judgement: Judgement = "inconclusive"
    if low > -STILL and high < STILL:
        judgement = "reproduced"
    elif low > STILL or high < -STILL:
        judgement = "not reproduced"
    return Finding("one-alpha-for-all-sizes", found, judgement)


def _plateau(cells: Cells) -> Finding:
    curves = {each: _matched(found) for each, found in cells.items()}
    values = {
        each: plateau_excess(curve) if len(curve) >= FEWEST_RANKED else None
        for each, curve in curves.items()
    }
    found = figure("plateau_excess", values, {}, "it takes four sizes or more")
    return Finding("rise-then-plateau", found, REPRODUCED_ABOVE[side_of(found, 0.0)])


def _matched(cells: Sequence[Cell]) -> list[float]:
    return [cell.next.matched for cell in curve_of(cells, "main") if cell.next]


def _later(settings: SmallSettings, counts: Sequence[Counted]) -> list[Finding]:
    findings = []
    for count in COUNTS:
        shared: dict[int, float | None] = {
            each.seed: float(each.shared) for each in counts if each.claim == count.claim
        }
        if not shared:
            reason = "this preset reads no Pythia; set later.models"
            gap = Gap(name="close_atoms", reason=reason)
            findings.append(Finding(count.claim, gap, "not testable at this scale"))
            continue
        of = {"site": count.site, "ratio": count.ratio}
        found = over_units("small", "close_atoms", shared, of, "", seed=min(shared))
        judgement: Judgement = "inconclusive"
        if not isinstance(found, Gap) and found.interval is not None:
            low, high = found.interval
            apart = A_FIFTH * count.published
            meets = low <= count.published + apart and high >= count.published - apart
            judgement = "reproduced" if meets else "not reproduced"
        findings.append(Finding(count.claim, found, judgement))
    reason = "which dictionaries were compared is not in the text that can still be read"
    gap = Gap(name="close_atoms", reason=reason)
    return [*findings, Finding("six-hundred-in-an-mlp", gap, "not testable at this scale")]


def chance_passes(cells: Cells, repeats: int = 2_000) -> float:
    """Return how many rows chance alone would pass: that of the plateau, its curves shuffled.

    Normal intervals stand in for the bootstrap. The valley's row also wants the null of one mode
    rejected in every transformer, the others exceed controls that are printed.
    """
    curves = [_matched(found) for found in cells.values()]
    by_test = REJECTED ** len(curves)
    if len(curves) < 2 or len(curves[0]) < FEWEST_RANKED:
        return by_test
    rng = stream(min(seed for _, seed in cells), "studies/small/chance")
    passed = 0
    for _ in range(repeats):
        drawn = np.array([plateau_excess(list(rng.permutation(each))) for each in curves])
        error = drawn.std(ddof=1) / np.sqrt(len(drawn))
        passed += bool(drawn.mean() - 1.96 * error > 0)
    return by_test + passed / repeats
