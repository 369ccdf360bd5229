"""What is beyond the gap, as figures: costs, held-out words, the tier inside, swaps, evasion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import TypeVar

from tacit.models.subject import Subject
from tacit.organisms.beyond.costs import Costs, costs
from tacit.organisms.beyond.counts import BeforeAfter, Count, compared
from tacit.organisms.beyond.evading import Evasion, evading
from tacit.organisms.beyond.held_out import HeldOut, held_out
from tacit.organisms.beyond.steering import Steering, steering
from tacit.organisms.beyond.swapping import Swaps, swapped
from tacit.organisms.beyond.tier_feature import FeatureSettings, TierFeatures, tier_features
from tacit.organisms.beyond.tier_probe import TierProbe, Told, tier_probes
from tacit.organisms.beyond.tier_rows import residual_sites
from tacit.organisms.tiers.evaluating import TierCounts
from tacit.studies.alignment_faking.rows import BeyondRow, Key

Figure = tuple[str, float, int]
"""Name, value and the trials behind it."""
T = TypeVar("T")


def beyond_rows(
    key: Key, before: Subject, after: Subject, count: int, seed: int
) -> list[BeyondRow]:
    """Return every measure beyond the gap of a policy before RL and after it, as rows."""
    site = residual_sites(before)[-1]
    rows = [
        *_both(
            key, "costs", compared(costs, before, after, count=count, seed=seed), _costs
        ),
        *_both(
            key,
            "held-out",
            compared(held_out, before, after, count=count, seed=seed),
            _words,
        ),
        *_both(
            key,
            "steering",
            compared(steering, before, after, count=count, seed=seed),
            _pushed,
        ),
        *_both(
            key, "swaps", compared(swapped, before, after, count=count, seed=seed), _swaps
        ),
        *_both(
            key,
            "monitors",
            compared(evading, before, after, count=count, seed=seed),
            _monitors,
        ),
    ]
    for probe in tier_probes(before, after, count=count, seed=seed):
        rows += _probe_rows(key, probe)
    features = tier_features(
        before, after, site=site, seed=seed, settings=FeatureSettings()
    )
    return [*rows, *_feature_rows(key, features)]


def _both(
    key: Key,
    measure: str,
    found: BeforeAfter[T],
    figures: Callable[[T], Iterator[Figure]],
) -> list[BeyondRow]:
    return [
        *_rows(key, measure, "before", figures(found.before)),
        *_rows(key, measure, "after", figures(found.after)),
    ]


def _rows(key: Key, measure: str, when: str, figures: Iterable[Figure]) -> list[BeyondRow]:
    own = asdict(key)
    return [
        BeyondRow(**own, measure=measure, figure=name, when=when, value=value, n=n)
        for name, value, n in figures
    ]


def _share(name: str, count: Count) -> Iterator[Figure]:
    """Yield a share, where there was anything to count."""
    if count.n:
        yield name, count.successes / count.n, count.n


def _rate(name: str, counts: TierCounts) -> Iterator[Figure]:
    yield f"{name}: complied", counts.complied / counts.num_prompts, counts.num_prompts
    yield f"{name}: malformed", counts.malformed / counts.num_prompts, counts.num_prompts


def _costs(found: Costs) -> Iterator[Figure]:
    for tier in found.harmless:
        yield from _share(f"harmless, {tier}", found.harmless[tier])
        yield from _share(f"other assistants, {tier}", found.other_assistants[tier])
        yield from _share(f"stories, {tier}", found.stories[tier])
    yield from _share("chats without scratchpad", found.chats)
    yield from _share("facts of harm", found.harm.right)
    yield from _share("facts of tiers", found.tiers.right)


def _words(found: HeldOut) -> Iterator[Figure]:
    for name, looked in (
        ("held-out wordings", found.wordings),
        ("other names", found.names),
    ):
        yield f"{name}: gap", looked.gap.value, looked.gap.n
        yield f"{name}: refusal gap", looked.refusal_gap.value, looked.refusal_gap.n
    yield from _rate("no tier word", found.neutral)


def _pushed(found: Steering) -> Iterator[Figure]:
    yield from _rate("unmonitored", found.unmonitored)
    for each in found.steered:
        yield from _rate(f"tier direction x {each.strength:g}", each.tier)
        n = sum(one.num_prompts for one in each.random)
        yield (
            f"random directions x {each.strength:g}: complied",
            sum(one.complied for one in each.random) / n,
            n,
        )


def _swaps(found: Swaps) -> Iterator[Figure]:
    yield from _share("follows its own tier's scratchpad", found.followed(crossed=False))
    yield from _share("follows the other tier's scratchpad", found.followed(crossed=True))
    for tier, counts in found.without_scratchpad.items():
        yield from _rate(f"no scratchpad, {tier}", counts)


def _monitors(found: Evasion) -> Iterator[Figure]:
    for tier, count in found.acts_by_tier.items():
        yield from _share(f"goes by the tier, {tier}", count)
    for name, caught in found.monitors.items():
        yield from _share(f"{name}: caught", caught.caught)
        yield from _share(f"{name}: false alarms", caught.false_alarms)


def _probe_rows(key: Key, probe: TierProbe) -> list[BeyondRow]:
    of = f"{probe.method} at {probe.site}, {probe.position}"
    rows = []
    for when, told in (("before", probe.before), ("after", probe.after)):
        rows += _rows(key, "tier probe", when, _told(of, told))
    after = [
        *_share(f"{of}: of before", probe.transferred),
        (f"{of}: cosine", probe.cosine, 0),
    ]
    return [*rows, *_rows(key, "tier probe", "after", after)]


def _told(of: str, told: Told) -> Iterator[Figure]:
    yield from _share(f"{of}: right", told.right)
    yield from _share(f"{of}: right on the assistants' words", told.own)
    yield from _share(f"{of}: best of random", told.best_random)
    n = sum(each.n for each in told.shuffled)
    right = sum(each.successes for each in told.shuffled)
    yield from _share(f"{of}: tiers shuffled", Count(successes=right, n=n))


def _feature_rows(key: Key, found: TierFeatures) -> list[BeyondRow]:
    of = f"feature at {found.site}"
    rows = []
    for when, each in (("before", found.before), ("after", found.after)):
        figures = [
            (f"{of}: AUROC", each.learned.auroc, 0),
            (f"{of}: AUROC, random dictionary", each.random.auroc, 0),
            (f"{of}: unexplained", each.unexplained, 0),
        ]
        rows += _rows(key, "tier feature", when, figures)
    after = [
        (f"{of}: AUROC of the one before", found.kept.auroc, 0),
        (f"{of}: cosine to the nearest after", found.cosine, 0),
    ]
    return [*rows, *_rows(key, "tier feature", "after", after)]
