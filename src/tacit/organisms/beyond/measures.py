"""All measures beyond the gap by name, as functions of a policy before training and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tacit.models.subject import Subject
from tacit.organisms.beyond.costs import costs
from tacit.organisms.beyond.counts import compared
from tacit.organisms.beyond.evading import evading
from tacit.organisms.beyond.held_out import held_out
from tacit.organisms.beyond.steering import steering
from tacit.organisms.beyond.swapping import swapped
from tacit.organisms.beyond.tier_feature import tier_features
from tacit.organisms.beyond.tier_probe import tier_probes
from tacit.organisms.beyond.tier_rows import residual_sites

MEASURES: Mapping[str, Callable[[Subject, Subject, int], object]] = {
    "costs": lambda before, after, seed: compared(costs, before, after, seed=seed),
    "held-out": lambda before, after, seed: compared(held_out, before, after, seed=seed),
    "tier-probe": lambda before, after, seed: tier_probes(before, after, seed=seed),
    "tier-feature": lambda before, after, seed: tier_features(
        before, after, site=residual_sites(before)[-1], seed=seed
    ),
    "steering": lambda before, after, seed: compared(steering, before, after, seed=seed),
    "swapping": lambda before, after, seed: compared(swapped, before, after, seed=seed),
    "evading": lambda before, after, seed: compared(evading, before, after, seed=seed),
}
"""Name -> the measure under its defaults, given (before, after, seed)."""
