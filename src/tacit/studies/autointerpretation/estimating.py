"""What a run of the study would take, before it is started."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import torch

from tacit.base.records import Gap
from tacit.base.seeds import stream
from tacit.explanations.lexical import LexicalExplainer, LexicalReader
from tacit.explanations.planted import planted
from tacit.explanations.scorers import SCORERS
from tacit.models.load import load_subject
from tacit.studies.autointerpretation.bases import atoms_of, sparse_coding
from tacit.studies.autointerpretation.codes import BLOCK_ROWS
from tacit.studies.autointerpretation.pieces import features_at
from tacit.studies.autointerpretation.places import Place, places_of, site_of, steps_at
from tacit.studies.autointerpretation.scoring import AT_ONCE, protocol_of
from tacit.studies.autointerpretation.settings import MLP, AutointerpretationSettings
from tacit.studies.study import Estimate

TIMED_STEPS = 8
OTHER_SHARE = 1.6
"""A run's time over that of its steps, codes and features alone, as seen at the laptop's sizes:
harvests, components, labels, and threads that wait for each other."""
QUESTIONS = 28
"""Requests for one feature: its explanation, a fragment each for 20, and some texts together."""
WIDEST, WIDEST_MLP = 1_024, 4_096
"""Dimensions that memory is reckoned with where none is known."""


def estimate_of(settings: AutointerpretationSettings) -> Estimate:
    """Return time and memory, from a few first steps and one feature on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        a_feature = _feature_seconds(settings)
        subjects = {name: load_subject(name) for name, _ in settings.subjects}
        seconds = 0.0
        for place in places_of(settings):
            width = subjects[place.subject].width(site_of(settings, place))
            seconds += _place_seconds(settings, place, width, a_feature)
    finally:
        torch.set_num_threads(threads)
    features = sum(features_at(settings, place) for place in places_of(settings))
    asked = (
        f"; about {QUESTIONS * features:,} requests to chat models" if settings.asks else ""
    )
    processes = 1 if settings.asks else settings.processes or threads
    return Estimate(
        seconds=seconds * OTHER_SHARE / processes,
        device=f"{processes} processes on this machine's CPU",
        memory_bytes=memory_of(settings),
        units=f"{len(settings.units)} pairs of subject and seed, {len(places_of(settings))} sites "
        f"of them; {features:,} features explained by {settings.explainer}{asked}",
    )


def memory_of(settings: AutointerpretationSettings) -> int:
    """Return about the most bytes held at once by two places.

    A block's dense codes, the firings of features drawn together, and the rows of components.
    """
    largest = max(
        settings.ratio * WIDEST,
        settings.mlp_ratio * WIDEST_MLP * any(s.startswith(MLP) for s in settings.sites),
        *(ratio * WIDEST for ratio in settings.sizes),
    )
    codes = BLOCK_ROWS * largest * 4 * 4
    fired = AT_ONCE * settings.tokens * 12
    rows = 5 * settings.component_rows * WIDEST * 8
    return int(2 * (codes + fired + rows))


def _place_seconds(
    settings: AutointerpretationSettings, place: Place, width: int, a_feature: float
) -> float:
    """Return the seconds of a place's steps, of its codes and of its features."""
    site = site_of(settings, place)
    rows = torch.randn(settings.batch, width)
    method = sparse_coding(settings, site, atoms_of(settings.ratio_at(site), width))
    state = method.initial(0, rows, num_steps=settings.steps)

    def step() -> None:
        method.step(state, rows)

    encoder = method.finish(state)
    block = torch.randn(BLOCK_ROWS, width)
    a_block = _fastest(lambda: encoder.encode(block).dense(), 4)
    num = features_at(settings, place)
    blocks = 2 * (num / settings.features) * settings.tokens / BLOCK_ROWS
    return (
        steps_at(settings, place) * _fastest(step, TIMED_STEPS)
        + blocks * a_block
        + num * a_feature
    )


def _feature_seconds(settings: AutointerpretationSettings) -> float:
    """Return the seconds of explaining and scoring one feature, planted in random words."""
    text = planted(8, kinds=("without context",), protocol=protocol_of(settings), seed=0)
    exhibits = text.triples[0].exhibits
    explainer, reader = LexicalExplainer(), LexicalReader()

    async def work() -> None:
        said = await explainer.explain(exhibits)
        if isinstance(said, Gap):
            return
        for scorer in SCORERS.values():
            rng = stream(0, "studies/autointerpretation/estimate")
            await scorer().score(said, exhibits, reader, rng)

    return _fastest(lambda: asyncio.run(work()), 3)


def _fastest(work: Callable[[], object], times: int) -> float:
    """Return the seconds of the fastest of a few."""
    seconds: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
