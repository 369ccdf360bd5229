"""What a run of the study would take, before it is started."""

from __future__ import annotations

import time

import torch

from tacit.dictionaries.methods import Method
from tacit.models.load import load_subject
from tacit.studies.interpretable_directions.arms import methods_of
from tacit.studies.interpretable_directions.everywhere import LAYERS, of_layers
from tacit.studies.interpretable_directions.settings import BASES, DirectionsSettings
from tacit.studies.study import Estimate

TIMED_STEPS = 8
OTHER_SHARE = 2.5
"""A run's time over that of its fits alone, as seen at the laptop's sizes."""
POSITIONS = 40
"""Of a prompt, at most."""


def estimate_of(settings: DirectionsSettings) -> Estimate:
    """Return time and memory, from a few first steps of each method on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fits = sum(_unit_seconds(settings, unit) for unit in settings.units)
        fits += _everywhere_seconds(settings)
    finally:
        torch.set_num_threads(threads)
    further = sum(settings.has_further(unit) for unit in settings.units)
    more = len(methods_of(settings, settings.units[0])) - len(methods_of(settings, None))
    return Estimate(
        seconds=fits * OTHER_SHARE / threads,
        device=f"{threads} threads of this machine's CPU",
        memory_bytes=memory_of(settings),
        units=f"{len(settings.units)} pairs of subject and seed, {len(BASES)} bases each, and "
        f"{more} more for {further} of them; every layer for {len(settings.units_everywhere)}; "
        f"{settings.prompts} prompts to choose by and as many to score",
    )


def memory_of(settings: DirectionsSettings) -> int:
    """Return about the most bytes held at once: dense codes of all prompts, twice."""
    codes = settings.prompts * POSITIONS * settings.atoms * 4
    return 4 * codes + 64 * settings.atoms * 1_024


def _unit_seconds(settings: DirectionsSettings, unit: tuple[str, int]) -> float:
    """Return the seconds that one subject and seed's fits take."""
    width = load_subject(unit[0]).width(settings.site)
    methods = methods_of(settings, unit)
    return settings.steps * sum(
        _step_seconds(settings, each, width) for each in methods.values()
    )


def _everywhere_seconds(settings: DirectionsSettings) -> float:
    """Return the seconds of the fits at every layer."""
    seconds = 0.0
    for name, _ in settings.units_everywhere:
        subject = load_subject(name)
        layers = subject.site_map.expand([LAYERS])
        each = sum(
            _step_seconds(settings, method, subject.width(layers[0]))
            for method in of_layers(settings).values()
        )
        seconds += each * len(layers) * settings.everywhere_steps
    return seconds


def _step_seconds(settings: DirectionsSettings, method: Method, width: int) -> float:
    """Return the seconds of one step, the fastest of a few."""
    rows = torch.randn(settings.batch, width)
    state = method.initial(0, rows, num_steps=settings.steps)
    seconds = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        state, _report = method.step(state, rows)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
